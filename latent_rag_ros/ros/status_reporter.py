"""Tells the graph and the log what the filter does: on every change, and once a second."""
from __future__ import annotations

import threading

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.states import State
from latent_rag_ros.protection.types import Outcome, Reason
from latent_rag_ros.ros.diagnostics import diagnostics
from latent_rag_ros.ros.qos import STATUS
from latent_rag_ros.ros.status import FilterStatus

LOG_PERIOD_S = 5.0


class StatusReporter:
    """Publishes `protection_status` and `/diagnostics` of a node; safe from any thread.

    Parameters
    ----------
    node : Node
        Node that owns the publishers; they speak in every lifecycle state.

    Attributes
    ----------
    status : FilterStatus
        State and counters; replaced by a fresh one at every configuration.
    model_id : str
        Embedder in use; empty without one.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._order = threading.Lock()
        self._status_publisher = node.create_publisher(
            ProtectionStatus, 'protection_status', STATUS)
        self._diagnostics_publisher = node.create_publisher(
            DiagnosticArray, '/diagnostics', QoSProfile(depth=10))
        self.status, self.model_id = FilterStatus(), ''

    def use(self, pipeline: ProtectionPipeline) -> None:
        """Take note of the method, device and model that are really in use."""
        self.status.use(pipeline.method, pipeline.device)
        self.model_id = pipeline.model_id

    def change(self, state: State, reason: Reason, message: str = '') -> None:
        """Take a state that follows from no frame; log and publish it if it is new."""
        if self.status.change(state, reason, message):
            self._node.get_logger().info(self.status.text)
            self.publish()

    def log_frame(self, outcome: Outcome) -> None:
        """Log what a frame changed; reasons can come and go with every frame."""
        logger = self._node.get_logger()
        if outcome == Outcome.BLANKED:
            logger.warning(self.status.text, throttle_duration_sec=LOG_PERIOD_S)
        else:
            logger.info(self.status.text, throttle_duration_sec=LOG_PERIOD_S)

    def log_error(self, text: str) -> None:
        """Log an error that may come with every frame."""
        if self._node.context.ok():
            self._node.get_logger().error(text, throttle_duration_sec=LOG_PERIOD_S)

    def publish(self) -> None:
        """Publish the status; do nothing once the process is asked to end."""
        with self._order:  # an older status must not overtake a newer one
            try:
                if self._node.context.ok():
                    self._status_publisher.publish(self.status.message())
            except RuntimeError:  # rclpy's, when the end comes in between
                if self._node.context.ok():
                    raise

    def report(self) -> None:
        """Publish status and diagnostics."""
        self.publish()
        self._diagnostics_publisher.publish(diagnostics(
            self.status.message(), self._node.get_fully_qualified_name(), self.model_id,
            self._node.get_clock().now().to_msg()))
