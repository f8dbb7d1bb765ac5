"""Tells for every tracked person which known identity it is, by features alone."""
from __future__ import annotations

import functools
import math

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.lifecycle import LifecyclePublisher

from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.features import GalleryError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.limits import MatchLimit
from latent_rag_ros.gallery.opening import match_limit, open_gallery
from latent_rag_ros.gallery.quality import QualityGate
from latent_rag_ros.gallery.tracks import (
    REMEMBERED_MISSED_FRAMES, TrackIdentifier, TrackMatch)
from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray, IdentityMatch
from latent_rag_ros.msg import IdentityMatchArray
from latent_rag_ros.parameters import REIDENTIFIER, ParameterError, Value
from latent_rag_ros.ros.gallery_diagnostics import FrameCounts, gallery_diagnostics
from latent_rag_ros.ros.gallery_services import GalleryServices
from latent_rag_ros.ros.identity_messages import (
    features_of, match_message, remembered_message, shared_rois, stamp_ns)
from latent_rag_ros.ros.lifecycle import SafeLifecycleNode, run
from latent_rag_ros.ros.qos import IDENTITIES
from latent_rag_ros.ros.thumbnails import Thumbnails

LOG_PERIOD_S = 5.0
DIAGNOSTICS_PERIOD_S = 1.0


class ReidentifierNode(SafeLifecycleNode):
    """Subscribes `identities`, publishes `identity_matches`, and erases on request.

    With namespaces it does so for `identities` in each of them, with one gallery for all. The
    gallery is there from configuration to cleanup, so a deactivated node keeps it and still
    answers its services; beyond that it lasts where a folder or a database is named. Messages
    that the gallery refuses are logged and not answered.
    """

    expected_errors = (ParameterError, GalleryError, GalleryStorageError)

    def __init__(self) -> None:
        super().__init__('reidentifier', REIDENTIFIER)
        self._values: dict[str, Value] = {}
        self._gallery: Gallery | None = None
        self._identifier: TrackIdentifier | None = None
        self._limit: MatchLimit | None = None
        self._gate = QualityGate()
        self._matches: dict[str, LifecyclePublisher] = {}
        self._subscriptions_of_identities = []
        self._thumbnails: dict[str, Thumbnails] = {}
        self._services_of_gallery: GalleryServices | None = None
        self._counts, self._retention_s = FrameCounts(), 0.0
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._diagnostics_timer = None

    def configure(self, values: dict[str, Value]) -> None:
        """Open the gallery and offer the services on it."""
        self._values = values
        self._limit = match_limit(values)
        self._gallery = open_gallery(values)
        self._identifier = TrackIdentifier(
            self._gallery, self._limit, values['gallery.enrol'],
            values['gallery.observations_min'], values['gallery.pooling'],
            values['gallery.merge'], values['gallery.travel_s_min'], self._limit.agreement)
        self._gate = QualityGate(values['quality.height_px_min'], values['quality.score_min'])
        self._retention_s = values['gallery.retention_s']
        self._matches = {namespace: self.create_lifecycle_publisher(
            IdentityMatchArray, f'{namespace}identity_matches', IDENTITIES)
            for namespace in _namespaces(values['input.namespaces'])}
        self._counts = FrameCounts()
        self._services_of_gallery = GalleryServices(self, self._gallery, self._identifier)
        self._diagnostics_timer = self.create_steady_timer(DIAGNOSTICS_PERIOD_S, self._look_after)
        if len(self._gallery):
            self.get_logger().info(f'{len(self._gallery)} identities are known from before')

    def activate(self) -> None:
        """Listen to the identities."""
        self._subscriptions_of_identities = [self.create_subscription(
            IdentityFeatureArray, f'{namespace}identities',
            functools.partial(self._identify, namespace), IDENTITIES)
            for namespace in self._matches]
        if self._values['gallery.thumbnails']:
            self._thumbnails = {namespace: Thumbnails(self, namespace, self._gallery)
                                for namespace in self._matches}

    def deactivate(self) -> None:
        """Listen no longer."""
        for subscription in self._subscriptions_of_identities:
            self.destroy_subscription(subscription)
        self._subscriptions_of_identities = []
        for thumbnails in self._thumbnails.values():
            thumbnails.close()
        self._thumbnails = {}

    def cleanup(self) -> None:
        """Withdraw the services and close the gallery; one in memory is gone."""
        if self._services_of_gallery is not None:
            self._services_of_gallery.close()
            self._services_of_gallery = None
        if self._diagnostics_timer is not None:
            self.destroy_timer(self._diagnostics_timer)
            self._diagnostics_timer = None
        for publisher in self._matches.values():
            self.destroy_lifecycle_publisher(publisher)
        self._matches = {}
        gallery, self._gallery, self._identifier = self._gallery, None, None
        if gallery is not None:
            gallery.close()

    def _identify(self, namespace: str, message: IdentityFeatureArray) -> None:
        """Answer one frame, header copied, once what it taught is safe."""
        try:
            matches = self._match(namespace, message)
            self._gallery.commit()
        except (GalleryError, GalleryStorageError) as error:
            self._refuse(namespace, message, str(error))
            return
        if namespace in self._thumbnails:
            self._thumbnails[namespace].note(message, matches)
        self._counts.matched += 1
        self._matches[namespace].publish(IdentityMatchArray(
            header=message.header, schema_version=IdentityMatchArray.SCHEMA_VERSION,
            model_id=message.model_id, gallery_identities=len(self._gallery), matches=matches,
            similarity_min=self._identifier.similarity_min))

    def _match(self, namespace: str, message: IdentityFeatureArray) -> list[IdentityMatch]:
        """Return one match per person that carries a feature, and those that are remembered."""
        persons: list[IdentityFeature] = [
            person for person in message.identities if len(person.feature)]
        before = self._gallery.identities_by_id()
        matches: list[TrackMatch] = []
        if persons:
            self._note_model(message.model_id)
            matches = self._identifier.identify(
                f'{namespace}{message.header.frame_id}', stamp_ns(message.header.stamp),
                [person.track_id for person in persons], features_of(message, persons),
                [self._gate.passes(person.roi.height, person.roi.width, person.score,
                                   person.missed_frames, share)
                 for person, share in zip(persons, shared_rois(message, persons))])
        return [match_message(
            person, match, self._limit.confidence(match.similarity, len(before))
            if match.identity_id else math.nan, before.get(match.identity_id))
            for person, match in zip(persons, matches)] + self._remembered(
                namespace, message, {match.identity_id for match in matches})

    def _remembered(self, namespace: str, message: IdentityFeatureArray,
                    taken: set[int]) -> list[IdentityMatch]:
        """Return one match per person without a feature whose track has an identity."""
        persons = [person for person in message.identities if not len(person.feature)
                   and person.missed_frames <= REMEMBERED_MISSED_FRAMES]
        known = self._identifier.remembered(
            f'{namespace}{message.header.frame_id}', stamp_ns(message.header.stamp),
            [person.track_id for person in persons], taken)
        return [remembered_message(person, self._gallery.identity(identity_id))
                for person, identity_id in zip(persons, known) if identity_id]

    def _note_model(self, model_id: str) -> None:
        """Take the limit of the embedder in use, and say so when it is another one."""
        if model_id == self._limit.model_id:
            return
        self._limit.model_id = model_id
        text = f'cosine of a match for features of {model_id!r}: {self._limit.origin}'
        if self._limit.is_certain:
            self.get_logger().info(text)
        else:
            self.get_logger().warning(text)

    def _refuse(self, namespace: str, message: IdentityFeatureArray, why: str) -> None:
        self._counts.refused += 1
        self._counts.refusal = why
        self.get_logger().error(f'identities of camera {namespace}{message.header.frame_id} '
                                f'refused: {why}', throttle_duration_sec=LOG_PERIOD_S)

    def _look_after(self) -> None:
        """Erase who was not seen for too long, and report."""
        if self._retention_s:
            try:
                erased = self._gallery.erase_unseen(self._retention_s)
            except GalleryStorageError as error:
                self._counts.refusal = f'retention failed: {error}'
                self.get_logger().error(self._counts.refusal, throttle_duration_sec=LOG_PERIOD_S)
            else:
                if erased:
                    self._identifier.forget_waiting()
                    self.get_logger().info(f'{len(erased)} identities are erased: not seen for '
                                           f'{self._retention_s:g} s')
        self._diagnostics.publish(gallery_diagnostics(
            self.get_fully_qualified_name(), self.state_label, self._gallery, self._limit,
            self._counts, self.get_clock().now().to_msg()))
        self._counts.refusal = ''


def _namespaces(text: str) -> list[str]:
    """Return the prefixes of the topics: one empty prefix when no namespace is named."""
    names = [name.strip().strip('/') for name in text.split(',') if name.strip().strip('/')]
    if len(set(names)) != len(names):
        raise ParameterError(f'input.namespaces is {text!r}; name every namespace once')
    return [f'/{name}/' for name in names] or ['']


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted; return the exit status."""
    return run(ReidentifierNode, args)
