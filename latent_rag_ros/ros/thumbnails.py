"""Pictures of identities out of `protected/image`, never raw; anything doubtful gives none.

A picture is taken only where the protector that sent the features also publishes the image, as
its only publisher, under the name `protected/image`; where the header of the image is exactly that
of the features; and of people whose region lies in the image and is filled by a synthetic person.
"""
from __future__ import annotations

from collections.abc import Sequence

import cv2
from rclpy.node import Node
from sensor_msgs.msg import Image

from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray, IdentityMatch
from latent_rag_ros.parameters import ParameterError
from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.ros.images import ImageError, to_jpeg, to_rgb
from latent_rag_ros.ros.qos import PROTECTED_IMAGE

TOPIC = 'protected/image'
HEIGHT_PX, JPEG_QUALITY = 96, 80
FRAMES_KEPT = 5
"""Features and image of a frame come by two topics; the first waits for so many frames."""


class Thumbnails:
    """Subscribes the protected image beside one `identities` topic, from creation to `close`.

    Parameters
    ----------
    node : Node
        Node that owns the subscription.
    namespace : str
        Prefix of the topics, '' or `/name/`.
    gallery : Gallery
        Keeps the pictures.

    Raises
    ------
    ParameterError
        When the topic was remapped: under another name nobody promises protected pixels.
    """

    def __init__(self, node: Node, namespace: str, gallery: Gallery) -> None:
        self._node, self._gallery = node, gallery
        self._features_topic = node.resolve_topic_name(f'{namespace}identities')
        self._images: dict[tuple, Image] = {}
        self._waiting: dict[tuple, list[tuple[IdentityFeature, int]]] = {}
        self._topic = node.resolve_topic_name(f'{namespace}{TOPIC}')
        if not self._topic.endswith(f'/{TOPIC}'):
            raise ParameterError(f'{TOPIC} is remapped to {self._topic}, which may be raw; leave '
                                 'its name, or set gallery.thumbnails to false')
        self._subscription = node.create_subscription(
            Image, self._topic, self._on_image, PROTECTED_IMAGE)

    def note(self, message: IdentityFeatureArray, matches: Sequence[IdentityMatch]) -> None:
        """Take pictures of the people of a frame who have none, now or when its image comes."""
        named = {match.track_id: match.identity_id for match in matches if match.known}
        wanted = [(person, named[person.track_id]) for person in message.identities
                  if named.get(person.track_id) and person.fill == IdentityFeature.FILL_SYNTHETIC
                  and not self._gallery.has_thumbnail(named[person.track_id])]
        key = _key(message.header)
        if wanted and key in self._images:
            self._take(self._images[key], wanted)
        elif wanted:
            _put(self._waiting, key, wanted)

    def close(self) -> None:
        """End the subscription and forget images."""
        self._node.destroy_subscription(self._subscription)
        self._images.clear()
        self._waiting.clear()

    def _on_image(self, message: Image) -> None:
        if not self._comes_from_the_protector():
            return  # not even kept: its publisher may be gone when a picture is taken
        key = _key(message.header)
        waiting = self._waiting.pop(key, None)
        if waiting:
            self._take(message, waiting)
        else:
            _put(self._images, key, message)

    def _take(self, message: Image, wanted: Sequence[tuple[IdentityFeature, int]]) -> None:
        if not self._comes_from_the_protector():
            return
        try:
            image = to_rgb(message)
            for person, identity_id in wanted:
                crop = _crop(image, person)
                if crop is not None and identity_id in self._gallery:
                    jpeg = to_jpeg(crop, message.header, JPEG_QUALITY)
                    self._gallery.keep_thumbnail(identity_id, bytes(jpeg.data))
        except (ImageError, GalleryStorageError) as error:
            self._node.get_logger().warning(f'no thumbnail: {error}', throttle_duration_sec=5.0)

    def _comes_from_the_protector(self) -> bool:
        """Tell whether one node publishes the image and the features, and nobody else either."""
        publishers = [[(info.node_namespace, info.node_name)
                       for info in self._node.get_publishers_info_by_topic(topic)]
                      for topic in (self._topic, self._features_topic)]
        return len(publishers[0]) == 1 and publishers[0] == publishers[1]


def _key(header: object) -> tuple[str, int, int]:
    return header.frame_id, header.stamp.sec, header.stamp.nanosec


def _put(kept: dict, key: tuple, value: object) -> None:
    """Keep a value; of too many the oldest goes."""
    kept[key] = value
    while len(kept) > FRAMES_KEPT:
        del kept[next(iter(kept))]


def _crop(image: ImageArray, person: IdentityFeature) -> ImageArray | None:
    """Return the region of a person, small; None where it does not lie in the image."""
    roi = person.roi
    bottom, right = roi.y_offset + roi.height, roi.x_offset + roi.width
    if not roi.height or not roi.width or bottom > image.shape[0] or right > image.shape[1]:
        return None
    crop = image[roi.y_offset:bottom, roi.x_offset:right]
    width_px = max(1, round(HEIGHT_PX * roi.width / roi.height))
    return cv2.resize(crop, (width_px, HEIGHT_PX), interpolation=cv2.INTER_AREA)
