"""What others may ask of a gallery: list, export, erase, save."""
from __future__ import annotations

from rclpy.node import Node
from std_srvs.srv import Trigger

from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.features import GalleryError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.tracks import TrackIdentifier
from latent_rag_ros.ros.identity_messages import time_message
from latent_rag_ros.srv import EraseIdentity, ExportIdentity, ListIdentities

ERRORS = (GalleryError, GalleryStorageError)


class GalleryServices:
    """The services of a reidentifier, from creation to `close`.

    Parameters
    ----------
    node : Node
        Node that offers them.
    gallery : Gallery
        The identities.
    identifier : TrackIdentifier
        What has to forget together with the gallery.
    """

    def __init__(self, node: Node, gallery: Gallery, identifier: TrackIdentifier) -> None:
        self._node, self._gallery, self._identifier = node, gallery, identifier
        self._services = [
            node.create_service(kind, f'~/{name}', answer) for kind, name, answer in (
                (EraseIdentity, 'erase_identity', self._erase_identity),
                (ListIdentities, 'list_identities', self._list_identities),
                (ExportIdentity, 'export_identity', self._export_identity),
                (Trigger, 'erase_all', self._erase_all), (Trigger, 'save', self._save))]

    def close(self) -> None:
        """Withdraw the services."""
        for service in self._services:
            self._node.destroy_service(service)
        self._services = []

    def _erase_identity(self, request: EraseIdentity.Request,
                        response: EraseIdentity.Response) -> EraseIdentity.Response:
        try:
            response.features_erased = self._identifier.erase(request.identity_id)
        except ERRORS as error:
            return self._failed(response, error)
        return self._done(response, f'identity {request.identity_id} is erased')

    def _erase_all(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            erased = self._identifier.erase_all()
        except ERRORS as error:
            return self._failed(response, error)
        return self._done(response, f'{erased} identities are erased')

    def _save(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            return self._done(response, self._gallery.save())
        except ERRORS as error:
            return self._failed(response, error)

    def _list_identities(self, _: ListIdentities.Request,
                         response: ListIdentities.Response) -> ListIdentities.Response:
        identities = self._gallery.identities()
        response.identity_ids = [identity.identity_id for identity in identities]
        response.feature_counts = [identity.feature_count for identity in identities]
        response.first_seen = [time_message(identity.first_seen_ns) for identity in identities]
        response.last_seen = [time_message(identity.last_seen_ns) for identity in identities]
        return response

    def _export_identity(self, request: ExportIdentity.Request,
                         response: ExportIdentity.Response) -> ExportIdentity.Response:
        try:
            identity, features = self._gallery.export(request.identity_id)
        except ERRORS as error:
            return self._failed(response, error)
        response.first_seen = time_message(identity.first_seen_ns)
        response.last_seen = time_message(identity.last_seen_ns)
        response.last_camera = identity.camera
        space = self._gallery.space
        response.model_id, response.key_id = space.model_id, space.key_id
        response.feature_dimension = space.dimension
        response.features = features.ravel().tolist()
        return self._done(response, f'identity {identity.identity_id} is exported')

    def _done(self, response: object, message: str) -> object:
        response.success, response.message = True, message
        self._node.get_logger().info(message)
        return response

    def _failed(self, response: object, error: Exception) -> object:
        response.success, response.message = False, str(error)
        self._node.get_logger().warning(response.message)
        return response
