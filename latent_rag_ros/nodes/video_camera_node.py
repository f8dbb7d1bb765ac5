"""A video as a camera, for those who have no robot at hand.

This is the one node of the package that publishes raw images. It stands in for a camera driver:
what its clip shows, everybody on the graph may see. Nothing else here publishes raw pixels.
"""
from __future__ import annotations

import rclpy
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.task import Future
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from latent_rag_ros.parameters import VIDEO_CAMERA, ParameterError
from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.ros import process
from latent_rag_ros.ros.camera_info import pinhole_camera_info
from latent_rag_ros.ros.images import from_rgb, to_jpeg
from latent_rag_ros.ros.parameters import declare
from latent_rag_ros.tools.video_source import VideoSourceError, open_video_source

NAME = 'video_camera'
CAMERA_QOS = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
"""Reliable serves reliable and best-effort subscribers. The depth is what a slow machine may be
late with its acknowledgements, or a subscriber with its discovery, before a frame is lost."""

JPEG_QUALITY = 90
ACKNOWLEDGE_TIMEOUT_S = 10.0


class VideoCameraNode(Node):
    """Publishes `image_raw`, `camera_info` and, when asked, `image_raw/compressed`.

    Attributes
    ----------
    ended : Future
        Done when a source that does not loop has been sent and acknowledged to its end.

    Raises
    ------
    ParameterError
        When a parameter is unknown or out of range.
    VideoSourceError
        When the source is missing or cannot be read; later on while it spins too.
    """

    def __init__(self) -> None:
        super().__init__(NAME)
        self._values = declare(self, VIDEO_CAMERA)
        self._source = open_video_source(self._values['source'], self._values['width_px'])
        self._image = self.create_publisher(Image, 'image_raw', CAMERA_QOS)
        self._info = self.create_publisher(CameraInfo, 'camera_info', CAMERA_QOS)
        self._jpeg = None
        if self._values['compressed']:
            self._jpeg = self.create_publisher(
                CompressedImage, 'image_raw/compressed', CAMERA_QOS)
        self._started = False
        self.ended = Future()
        rate_hz = self._values['rate_hz'] or self._source.rate_hz
        self._timer = self.create_timer(1 / rate_hz, self._send_next)
        self.get_logger().info(f"playing {self._values['source'] or 'the shipped clip'} "
                               f'at {rate_hz:g} Hz as {self._values["encoding"]}')

    def _send_next(self) -> None:
        """Send the next image of the source, or end."""
        if not self._started and self._subscribers() < self._values['subscribers_min']:
            return
        self._started = True
        image = self._source.read()
        if image is None and self._values['loop']:
            self._source.rewind()
            image = self._source.read()
        if image is None:
            self._end()
        else:
            self._send(image)

    def _send(self, image: ImageArray) -> None:
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._values['frame_id'])
        height, width = image.shape[:2]
        like = Image(header=header, height=height, width=width,
                     encoding=self._values['encoding'])
        self._info.publish(pinhole_camera_info(
            header, height, width, self._values['horizontal_fov_deg']))
        self._image.publish(from_rgb(image, like))
        if self._jpeg is not None:
            self._jpeg.publish(to_jpeg(image, header, JPEG_QUALITY))

    def _subscribers(self) -> int:
        """Return how many subscribers the image has, raw and compressed together."""
        compressed = 0 if self._jpeg is None else self._jpeg.get_subscription_count()
        return self._image.get_subscription_count() + compressed

    def _end(self) -> None:
        """Wait until every reliable subscriber has what was sent, then be done."""
        self._timer.cancel()
        self._source.close()
        publishers = [self._image, self._info] + ([self._jpeg] if self._jpeg else [])
        timeout = Duration(seconds=ACKNOWLEDGE_TIMEOUT_S)
        if not all(publisher.wait_for_all_acked(timeout) for publisher in publishers):
            self.get_logger().warning('a subscriber did not acknowledge the last images within '
                                      f'{ACKNOWLEDGE_TIMEOUT_S:g} s')
        self.ended.set_result(None)


def main(args: list[str] | None = None) -> int:
    """Run the node; return 0 after its end or an interrupt, 1 when the source is unusable."""
    process.start(args)
    try:
        node = VideoCameraNode()
        process.spin(node, until=node.ended)
    except (ParameterError, VideoSourceError) as error:
        get_logger(NAME).fatal(str(error))
        return 1
    finally:
        process.ignore_signals()
        rclpy.try_shutdown()
    return 0
