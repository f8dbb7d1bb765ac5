"""Tells for every tracked person which known identity it is; knows features, never a picture."""
from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.lifecycle import LifecyclePublisher
from std_srvs.srv import Trigger

from latent_rag_ros.gallery.features import GalleryError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.tracks import TrackIdentifier
from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray, IdentityMatch
from latent_rag_ros.msg import IdentityMatchArray
from latent_rag_ros.parameters import REIDENTIFIER, Value
from latent_rag_ros.ros.gallery_diagnostics import FrameCounts, gallery_diagnostics
from latent_rag_ros.ros.identity_messages import (
    features_of, match_message, stamp_ns, time_message)
from latent_rag_ros.ros.lifecycle import SafeLifecycleNode, run
from latent_rag_ros.ros.qos import IDENTITIES
from latent_rag_ros.srv import EraseIdentity, ListIdentities

LOG_PERIOD_S = 5.0
DIAGNOSTICS_PERIOD_S = 1.0


class ReidentifierNode(SafeLifecycleNode):
    """Subscribes `identities`, publishes `identity_matches`, and erases on request.

    The gallery lives in memory from configuration to cleanup, so a deactivated node keeps it and
    still answers its services. Messages that the gallery refuses are logged and not answered.
    """

    def __init__(self) -> None:
        super().__init__('reidentifier', REIDENTIFIER)
        self._gallery: Gallery | None = None
        self._identifier: TrackIdentifier | None = None
        self._matches: LifecyclePublisher | None = None
        self._subscription = None
        self._counts = FrameCounts()
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._diagnostics_timer = None
        self._services_of_gallery = []

    def configure(self, values: dict[str, Value]) -> None:
        """Make an empty gallery and offer the services on it."""
        self._gallery = Gallery(values['gallery.features_per_identity'],
                                values['gallery.identities_max'])
        self._identifier = TrackIdentifier(
            self._gallery, values['gallery.similarity_min'], values['gallery.enrol'],
            values['gallery.observations_min'])
        self._matches = self.create_lifecycle_publisher(
            IdentityMatchArray, 'identity_matches', IDENTITIES)
        self._counts = FrameCounts()
        self._diagnostics_timer = self.create_steady_timer(
            DIAGNOSTICS_PERIOD_S, self._publish_diagnostics)
        self._services_of_gallery = [
            self.create_service(EraseIdentity, '~/erase_identity', self._erase_identity),
            self.create_service(ListIdentities, '~/list_identities', self._list_identities),
            self.create_service(Trigger, '~/erase_all', self._erase_all)]

    def activate(self) -> None:
        """Listen to the identities."""
        self._subscription = self.create_subscription(
            IdentityFeatureArray, 'identities', self._identify, IDENTITIES)

    def deactivate(self) -> None:
        """Listen no longer."""
        if self._subscription is not None:
            self.destroy_subscription(self._subscription)
            self._subscription = None

    def cleanup(self) -> None:
        """Withdraw the services and erase the gallery."""
        for service in self._services_of_gallery:
            self.destroy_service(service)
        self._services_of_gallery = []
        if self._diagnostics_timer is not None:
            self.destroy_timer(self._diagnostics_timer)
            self._diagnostics_timer = None
        if self._matches is not None:
            self.destroy_lifecycle_publisher(self._matches)
            self._matches = None
        if self._identifier is not None:
            self._identifier.erase_all()
            self._identifier, self._gallery = None, None

    def _identify(self, message: IdentityFeatureArray) -> None:
        """Answer one frame, header copied."""
        try:
            matches = self._match(message)
        except GalleryError as error:
            self._counts.refused += 1
            self._counts.refusal = str(error)
            self.get_logger().error(f'identities of camera {message.header.frame_id!r} refused: '
                                    f'{error}', throttle_duration_sec=LOG_PERIOD_S)
            return
        self._counts.matched += 1
        self._matches.publish(IdentityMatchArray(
            header=message.header, schema_version=IdentityMatchArray.SCHEMA_VERSION,
            model_id=message.model_id, gallery_identities=len(self._gallery), matches=matches))

    def _match(self, message: IdentityFeatureArray) -> list[IdentityMatch]:
        """Return one match per person that carries a feature."""
        persons: list[IdentityFeature] = [
            person for person in message.identities if len(person.feature)]
        if not persons:
            return []
        matches = self._identifier.identify(
            message.header.frame_id, stamp_ns(message.header.stamp),
            [person.track_id for person in persons], features_of(message, persons))
        return [match_message(person, match) for person, match in zip(persons, matches)]

    def _erase_identity(self, request: EraseIdentity.Request,
                        response: EraseIdentity.Response) -> EraseIdentity.Response:
        try:
            response.features_erased = self._identifier.erase(request.identity_id)
        except GalleryError as error:
            response.message = str(error)
            return response
        response.success = True
        response.message = f'identity {request.identity_id} is erased'
        self.get_logger().info(response.message)
        return response

    def _list_identities(self, _: ListIdentities.Request,
                         response: ListIdentities.Response) -> ListIdentities.Response:
        identities = self._gallery.identities()
        response.identity_ids = [identity.identity_id for identity in identities]
        response.feature_counts = [identity.feature_count for identity in identities]
        response.first_seen = [time_message(identity.first_seen_ns) for identity in identities]
        response.last_seen = [time_message(identity.last_seen_ns) for identity in identities]
        return response

    def _erase_all(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        response.message = f'{self._identifier.erase_all()} identities are erased'
        response.success = True
        self.get_logger().info(response.message)
        return response

    def _publish_diagnostics(self) -> None:
        self._diagnostics.publish(gallery_diagnostics(
            self.get_fully_qualified_name(), self.state_label, self._gallery, self._counts,
            self.get_clock().now().to_msg()))
        self._counts.refusal = ''


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit status."""
    return run(ReidentifierNode, args)
