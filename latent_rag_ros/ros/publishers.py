"""The only module of the filter that creates image publishers; it takes protected frames only."""
from __future__ import annotations

import copy
from collections.abc import Mapping

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.types import ImageArray, Outcome, ProtectedFrame
from latent_rag_ros.ros.images import blank_like, from_rgb, to_jpeg
from latent_rag_ros.ros.known_identities import KnownIdentities
from latent_rag_ros.ros.overlay import draw_overlay
from latent_rag_ros.ros.qos import PROTECTED_IMAGE


class ProtectedPublishers:
    """Publishes protected frames as image, JPEG, camera_info, overlay and evidence image.

    They are lifecycle publishers: they stay silent unless the node is active.

    Parameters
    ----------
    node : LifecycleNode
        Node that owns the publishers.
    values : Mapping
        Parameters of the protector, checked.
    """

    def __init__(self, node: LifecycleNode, values: Mapping[str, Value]) -> None:
        self._node, self._values = node, values
        self._image = node.create_lifecycle_publisher(Image, 'protected/image', PROTECTED_IMAGE)
        self._jpeg = node.create_lifecycle_publisher(
            CompressedImage, 'protected/image/compressed', PROTECTED_IMAGE)
        self._info = node.create_lifecycle_publisher(
            CameraInfo, 'protected/camera_info', PROTECTED_IMAGE)
        self._overlay = node.create_lifecycle_publisher(
            Image, 'protected/overlay', PROTECTED_IMAGE)
        self._evidence = node.create_lifecycle_publisher(
            Image, 'evidence/image', PROTECTED_IMAGE)
        self._identities = KnownIdentities(node)

    def publish(self, frame: ProtectedFrame, source: Image | CompressedImage,
                camera_info: CameraInfo | None) -> None:
        """Publish a frame with the header, size and encoding of its source.

        A compressed source has no encoding: its frames become bgr8. A blanked frame is withheld
        when `guard.blank_policy` says so, or when its source has a size that makes no sense.

        Parameters
        ----------
        frame : ProtectedFrame
            What may be published; everything else raises `TypeError`.
        source : Image or CompressedImage
            The raw message. Only header, size and encoding are taken from it.
        camera_info : CameraInfo, optional
            The camera's last calibration, published with the header of the frame.
        """
        if not isinstance(frame, ProtectedFrame):
            raise TypeError(f'{type(frame).__name__} is not a ProtectedFrame: only those are '
                            'publishable')
        message = self._image_message(frame, source, frame.image)
        if message is None:
            return
        self._image.publish(message)
        if self._jpeg.get_subscription_count() > 0 and frame.image.size > 0:
            self._jpeg.publish(to_jpeg(frame.image, source.header,
                                       self._values['output.jpeg_quality']))
        if camera_info is not None:
            info = copy.copy(camera_info)
            info.header = source.header
            self._info.publish(info)

    def publish_evidence(self, frame: ProtectedFrame, source: Image | CompressedImage) -> bool:
        """Publish the evidence image of a frame as `publish` does; return whether that was done.

        A frame without one is blank here as well.
        """
        pixels = None if frame.evidence is None else frame.evidence.image
        message = self._image_message(frame, source, pixels)
        if message is not None:
            self._evidence.publish(message)
        return message is not None

    def _image_message(self, frame: ProtectedFrame, source: Image | CompressedImage,
                       pixels: ImageArray | None) -> Image | None:
        """Return the pixels of a protected frame, or blank ones; None where it is withheld."""
        height, width = frame.image.shape[:2]
        like = source if isinstance(source, Image) else Image(
            header=source.header, height=height, width=width, encoding='bgr8')
        if frame.outcome == Outcome.PROTECTED and pixels is not None:
            return from_rgb(pixels, like)
        if self._values['guard.blank_policy'] == 'withhold':
            return None
        return blank_like(like, self._values['protection.fill_level'],
                          self._values['guard.image_px_max'])

    def publish_overlay(self, frame: ProtectedFrame, source: Image | CompressedImage,
                        state: str) -> None:
        """Publish a bgr8 drawing on the protected pixels, if anybody looks at it."""
        withheld = (frame.outcome == Outcome.BLANKED
                    and self._values['guard.blank_policy'] == 'withhold')
        if self._overlay.get_subscription_count() == 0 or withheld or frame.image.size == 0:
            return
        height, width = frame.image.shape[:2]
        like = Image(header=source.header, height=height, width=width, encoding='bgr8')
        self._overlay.publish(from_rgb(
            draw_overlay(frame, state, self._identities.of(source.header)), like))

    def close(self) -> None:
        """Destroy the publishers."""
        self._identities.close()
        for publisher in (self._image, self._jpeg, self._info, self._overlay, self._evidence):
            self._node.destroy_lifecycle_publisher(publisher)
