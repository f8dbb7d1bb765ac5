"""A node that records what the filter publishes: video, moments, figures.

It sees protected images only. The camera's own images are subscribed when `show_raw` says so,
which is for clips without real people and for people who agreed.
"""
from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import rclpy
from builtin_interfaces.msg import Time
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image

from latent_rag_ros.msg import IdentityFeatureArray, IdentityMatchArray, ProtectionStatus
from latent_rag_ros.protection.types import Box, ImageArray
from latent_rag_ros.ros.images import to_rgb
from latent_rag_ros.tools.contact_sheet import MomentKeeper, moment
from latent_rag_ros.tools.demo_recording import Recording, Status
from latent_rag_ros.tools.video_writer import VideoWriter

IMAGE_QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
RESULT_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
STATUS_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE,
                        durability=DurabilityPolicy.TRANSIENT_LOCAL)
WAITING_BYTES_MAX, WAITING_FRAMES_MAX = 128 * 1024 * 1024, 1000
"""Limits of what waits for the rest of its frame; the oldest goes first."""

STATES = {getattr(ProtectionStatus, f'STATE_{name.upper()}'): name for name in (
    'unconfigured', 'inactive', 'protecting', 'degraded', 'blanking')}
ACTIVE_STATES = ('protecting', 'degraded', 'blanking')


@dataclass
class _Parts:
    """What has arrived of one frame."""

    after: ImageArray | None = None
    raw: ImageArray | None = None
    boxes: Sequence[Box] | None = None

    @property
    def size_bytes(self) -> int:
        return sum(image.nbytes for image in (self.after, self.raw) if image is not None)


class Recorder(Node):
    """Records one protector and one reidentifier under the topics' plain names.

    Parameters
    ----------
    recording : Recording
        Takes the figures.
    video : VideoWriter
        Takes every published image.
    show_raw : bool
        Subscribe `image_raw` too, for the left side of the contact sheet.
    context : Context
        The ROS context the node lives in.
    """

    def __init__(self, recording: Recording, video: VideoWriter, show_raw: bool,
                 context: Context) -> None:
        super().__init__('demo_recorder', context=context, use_global_arguments=False,
                         start_parameter_services=False)
        self.moments = MomentKeeper()
        self._recording, self._video, self._show_raw = recording, video, show_raw
        self._waiting: OrderedDict[int, _Parts] = OrderedDict()
        self._first_ns: int | None = None
        for kind, topic, callback, qos in (
                (CameraInfo, 'camera_info', self._on_camera_info, RESULT_QOS),
                (Image, 'protected/image', self._on_protected, IMAGE_QOS),
                (IdentityFeatureArray, 'identities', self._on_identities, RESULT_QOS),
                (IdentityMatchArray, 'identity_matches', self._on_matches, RESULT_QOS),
                (ProtectionStatus, 'protection_status', self._on_status, STATUS_QOS)):
            self.create_subscription(kind, topic, callback, qos)
        if show_raw:
            self.create_subscription(Image, 'image_raw', self._on_raw, IMAGE_QOS)

    @property
    def nodes_ready(self) -> bool:
        """Whether the protector is active and the reidentifier listens to it."""
        status = self._recording.status
        return (status is not None and status.active
                and self.count_publishers('identity_matches') > 0
                and self.count_subscribers('identities') > 1
                and self.count_publishers('protected/image') > 0)

    def spin(self, timeout_s: float) -> None:
        """Handle what has arrived, or wait at most `timeout_s` seconds for something."""
        self.executor.spin_once(timeout_sec=timeout_s)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._recording.add_camera(_nanoseconds(message.header.stamp))

    def _on_raw(self, message: Image) -> None:
        self._parts(message.header.stamp).raw = to_rgb(message)
        self._finish(message.header.stamp)

    def _on_protected(self, message: Image) -> None:
        stamp_ns = _nanoseconds(message.header.stamp)
        self._recording.add_output(stamp_ns, time.monotonic())
        image = to_rgb(message)
        if self._first_ns is None:
            self._first_ns = stamp_ns
        self._video.write(image, (stamp_ns - self._first_ns) / 1e9)
        self._parts(message.header.stamp).after = image
        self._finish(message.header.stamp)

    def _on_identities(self, message: IdentityFeatureArray) -> None:
        self._parts(message.header.stamp).boxes = [
            Box(roi.x_offset, roi.y_offset, roi.x_offset + roi.width, roi.y_offset + roi.height)
            for roi in (identity.roi for identity in message.identities)]
        self._finish(message.header.stamp)

    def _on_matches(self, message: IdentityMatchArray) -> None:
        known = sum(match.known and not match.enrolled for match in message.matches)
        self._recording.add_matches(known, message.gallery_identities)

    def _on_status(self, message: ProtectionStatus) -> None:
        self._recording.add_status(_status(message))

    def _parts(self, stamp: Time) -> _Parts:
        return self._waiting.setdefault(_nanoseconds(stamp), _Parts())

    def _finish(self, stamp: Time) -> None:
        """Make a moment of a frame that is complete, and forget frames that never will be."""
        stamp_ns = _nanoseconds(stamp)
        parts = self._waiting[stamp_ns]
        complete = parts.after is not None and parts.boxes is not None and (
            parts.raw is not None or not self._show_raw)
        if complete:
            del self._waiting[stamp_ns]
            if parts.boxes and self.moments.wants_next():
                seconds = (stamp_ns - (self._first_ns or stamp_ns)) / 1e9
                self.moments.keep(moment(seconds, parts.after, parts.boxes, parts.raw))
        while (len(self._waiting) > WAITING_FRAMES_MAX
               or sum(one.size_bytes for one in self._waiting.values()) > WAITING_BYTES_MAX):
            self._waiting.popitem(last=False)


@contextmanager
def running_recorder(recording: Recording, video: VideoWriter,
                     show_raw: bool) -> Iterator[Recorder]:
    """Give a recorder in a ROS context of its own, which leaves the signals to the caller."""
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    executor = SingleThreadedExecutor(context=context)
    try:
        recorder = Recorder(recording, video, show_raw, context)
        executor.add_node(recorder)
        yield recorder
        recorder.destroy_node()
    finally:
        executor.shutdown()
        rclpy.try_shutdown(context=context)


def _nanoseconds(stamp: Time) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def _status(message: ProtectionStatus) -> Status:
    """Return the part of a status message that the demo needs."""
    counters = {name: getattr(message, name) for name in (
        'frames_received', 'frames_protected', 'frames_blanked', 'frames_dropped',
        'frames_pending', 'persons_protected', 'persons_solid', 'identities_published')}
    state = STATES.get(message.state, str(message.state))
    return Status(
        stamp_ns=_nanoseconds(message.header.stamp), active=state in ACTIVE_STATES, state=state,
        message=message.message, method=message.method, device=message.device,
        latency_ms=dict(zip(message.latency_stages, map(float, message.latency_ms))), **counters)
