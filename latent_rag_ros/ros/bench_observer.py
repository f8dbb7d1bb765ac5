"""A node that measures the filter from outside: when frames come, how old they are, who counts."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import rclpy
from builtin_interfaces.msg import Time
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo, Image

from latent_rag_ros.bench.observations import COUNTERS, Observations, StatusReport
from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.ros.qos import ImageSubscription

INFO_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
STATUS_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE,
                        durability=DurabilityPolicy.TRANSIENT_LOCAL)
ACTIVE_STATES = (ProtectionStatus.STATE_PROTECTING, ProtectionStatus.STATE_DEGRADED,
                 ProtectionStatus.STATE_BLANKING)


class BenchObserver(Node):
    """Watches one camera and one protector under the topics' plain names; keeps no pixel.

    Parameters
    ----------
    observations : Observations
        Takes the figures.
    context : Context
        The ROS context the node lives in.
    """

    def __init__(self, observations: Observations, context: Context) -> None:
        super().__init__('bench_observer', context=context, use_global_arguments=False,
                         start_parameter_services=False)
        self._observations = observations
        self._images = ImageSubscription(self, Image, 'protected/image', 'reliable',
                                         self._on_protected)
        self.create_subscription(CameraInfo, 'camera_info', self._on_camera_info, INFO_QOS)
        self.create_subscription(ProtectionStatus, 'protection_status', self._on_status,
                                 STATUS_QOS)

    def spin(self, timeout_s: float) -> None:
        """Handle what has arrived, or wait at most `timeout_s` seconds for something."""
        self.executor.spin_once(timeout_sec=timeout_s)

    @property
    def reidentifier_listens(self) -> bool:
        """Whether somebody subscribes the identities."""
        return self.count_subscribers('identities') > 0

    def _on_camera_info(self, _: CameraInfo) -> None:
        self._observations.add_camera()

    def _on_protected(self, message: Image) -> None:
        self._observations.add_output(_nanoseconds(message.header.stamp), time.time_ns())

    def _on_status(self, message: ProtectionStatus) -> None:
        self._observations.add_status(StatusReport(
            _nanoseconds(message.header.stamp), message.state in ACTIVE_STATES, message.message,
            {name: getattr(message, name) for name in COUNTERS},
            dict(zip(message.latency_stages, map(float, message.latency_ms)))))


@contextmanager
def running_bench_observer(observations: Observations) -> Iterator[BenchObserver]:
    """Give an observer in a ROS context of its own, which leaves the signals to the caller."""
    context = Context()
    rclpy.init(context=context, signal_handler_options=SignalHandlerOptions.NO)
    executor = SingleThreadedExecutor(context=context)
    observer = BenchObserver(observations, context)
    try:
        executor.add_node(observer)
        yield observer
    finally:
        executor.shutdown()
        observer.destroy_node()
        rclpy.try_shutdown(context=context)


def _nanoseconds(stamp: Time) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
