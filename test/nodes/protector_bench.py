"""A protector in this process, spinning in a thread of its own, and a camera in front of it."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from latent_rag_ros.msg import IdentityFeatureArray, ProtectionStatus
from latent_rag_ros.nodes.protector_node import ProtectorNode
from latent_rag_ros.parameters import Value
from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.perception.tracker import Tracker
from latent_rag_ros.protection.assembly import Parts
from latent_rag_ros.protection.method import SolidMethod
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box, Detection, ImageArray
from latent_rag_ros.ros.images import from_rgb
from latent_rag_ros.ros.qos import PROTECTED_IMAGE, STATUS

if TYPE_CHECKING:
    from .conftest import Graph

TIMEOUT_S = 60.0
HEIGHT, WIDTH = 48, 64
PERSON = Box(20, 10, 40, 40)


class KnownPersons:
    """A detector that finds given boxes, waits at a gate, and fails on request."""

    def __init__(self, *boxes: Box) -> None:
        self.boxes, self.failing = boxes, False
        self.begun = threading.Semaphore(0)
        self.gate: threading.Semaphore | None = None  # one frame passes per release

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the boxes once the gate lets the frame pass."""
        self.begun.release()
        if self.gate is not None:
            self.gate.acquire(timeout=TIMEOUT_S)
        if self.failing:
            raise DetectorError('scores are NaN')
        return [Detection(box, 0.9) for box in self.boxes]

    def pipeline(self, values: dict[str, Value]) -> ProtectionPipeline:
        """Return the real pipeline, with solid fills, behind this detector."""
        tracker = Tracker(values['tracker.overlap_min'], values['tracker.memory_frames'])
        # the gate opens for one frame at a time, and a fault is there at once
        return ProtectionPipeline(Parts(self, None, tracker, None, SolidMethod(), 'cpu', ''),
                                  {**values, 'detector.every_frames': 1})


class ProtectorBench:
    """A running protector, its camera, and everything it publishes."""

    def __init__(self, graph: Graph, context: Context,
                 factory: Callable[..., ProtectionPipeline] | None = None,
                 **parameters: object) -> None:
        """Start the node; `__` in a parameter's name stands for a dot."""
        self.graph = graph
        self.images = graph.collect(Image, 'protected/image', PROTECTED_IMAGE)
        self.identities = graph.collect(IdentityFeatureArray, 'identities')
        self.statuses = graph.collect(ProtectionStatus, 'protection_status', STATUS)
        options = {} if factory is None else {'pipeline_factory': factory}
        self.node = ProtectorNode(context=context, parameter_overrides=[
            Parameter(name.replace('__', '.'), value=value)
            for name, value in parameters.items()], **options)
        self._cameras: dict[str, object] = {}
        self._executor = SingleThreadedExecutor(context=context)
        self._executor.add_node(self.node)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        while not self._ended.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def close(self) -> None:
        """End the node. Left to itself it would go on to send its last status to later tests."""
        self._ended.set()
        self._thread.join(TIMEOUT_S)
        self._executor.shutdown()
        self.node.release()
        self.node.destroy_node()

    @property
    def status(self) -> ProtectionStatus:
        """The last status that arrived; an empty one before the first."""
        return self.statuses[-1] if self.statuses else ProtectionStatus()

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition; every status that arrives has to add up."""
        self.graph.wait_for(condition, what)
        for status in self.statuses:
            assert status.frames_received == status.frames_protected + status.frames_blanked \
                + status.frames_dropped + status.frames_pending
            assert status.frames_pending <= 2

    def wait_for_state(self, state: int) -> None:
        """Wait for a status with this state."""
        self.wait_for(lambda: self.status.state == state, f'state {state}')

    def send(self, message: Image | CompressedImage) -> None:
        """Publish a message once the node listens."""
        topic = 'image_raw' if isinstance(message, Image) else 'image_raw/compressed'
        if topic not in self._cameras:
            self._cameras[topic] = self.graph.publisher(type(message), topic, QoSProfile(depth=5))
            self.wait_for_discovery()
        self._cameras[topic].publish(message)

    def wait_for_discovery(self) -> None:
        """Wait until the node's publishers know this test's subscriptions."""
        for topic in ('protected/image', 'identities'):
            self.wait_for(lambda: self.graph.node.count_publishers(topic), topic)
        publishers = [publisher for publisher in self.node.publishers
                      if publisher.topic_name in ('/protected/image', '/identities')]
        self.wait_for(lambda: all(publisher.get_subscription_count() for publisher in publishers),
                      'matched subscriptions')

    def show(self, message: Image | CompressedImage) -> ProtectionStatus:
        """Publish a message and return the status of its end."""
        self.send(message)
        self.wait_for(lambda: self.status.header == message.header, 'status of the frame')
        return self.status

    def protect(self, message: Image | CompressedImage) -> Image:
        """Publish a message and return the image that answers it."""
        self.send(message)
        self.wait_for(lambda: self.images and self.images[-1].header == message.header
                      and self.status.header == message.header, 'protected image')
        return self.images[-1]


Bench = Callable[..., ProtectorBench]


def header_of(number: int) -> Header:
    """Return a header that no other number has."""
    header = Header(frame_id=f'camera_{number}')
    header.stamp.sec, header.stamp.nanosec = 1000 + number, 123_456_789 - number
    return header


def noise(number: int) -> ImageArray:
    """Return an image in which no two neighbours are alike."""
    return np.random.default_rng(number).integers(30, 226, (HEIGHT, WIDTH, 3), np.uint8)


def message_of(number: int, encoding: str = 'bgr8', image: ImageArray | None = None) -> Image:
    """Return a raw message with a header of its own."""
    image = noise(number) if image is None else image
    return from_rgb(image, Image(header=header_of(number), height=image.shape[0],
                                 width=image.shape[1], encoding=encoding))
