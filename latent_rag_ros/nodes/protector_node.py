"""The protector: raw camera images in, protected images and identity features out.

Callbacks only put the newest image into a mailbox. A worker thread takes it, has it protected and
publishes the result; a frame that cannot be protected is blanked or withheld, never passed on.
"""
from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from latent_rag_ros.msg import IdentityFeatureArray, ProtectionStatus
from latent_rag_ros.parameters import PROTECTOR, ParameterError, Value
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Frame, Outcome, ProtectedFrame, Reason
from latent_rag_ros.ros.compressed_images import decode_compressed
from latent_rag_ros.ros.diagnostics import diagnostics
from latent_rag_ros.ros.frame_worker import FrameWorker
from latent_rag_ros.ros.identity_array import identity_array
from latent_rag_ros.ros.images import ImageError, to_rgb
from latent_rag_ros.ros.lifecycle import SafeLifecycleNode, run
from latent_rag_ros.ros.publishers import ProtectedPublishers
from latent_rag_ros.ros.qos import CAMERA_INFO, IDENTITIES, STATUS, ImageSubscription
from latent_rag_ros.ros.status import FilterStatus, State, describe, state_after
from latent_rag_ros.weights.registry import WeightsError

REPORT_PERIOD_S, WATCH_PERIOD_S = 1.0, 0.2
STOP_TIMEOUT_S = 30.0
"""How long a transition waits for the frame in work; the slowest preset stays far below it."""

LOG_PERIOD_S = 5.0


@dataclass(frozen=True)
class Arrival:
    """A raw message, the monotonic time of its reception [s], and who has to protect it."""

    message: Image | CompressedImage
    received_s: float
    pipeline: ProtectionPipeline


class ProtectorNode(SafeLifecycleNode):
    """Lifecycle node around one `ProtectionPipeline`.

    Parameters
    ----------
    pipeline_factory : Callable
        Makes the pipeline from the checked parameter values.
    **options
        Further arguments of `rclpy.node.Node`.
    """

    expected_errors = (ParameterError, WeightsError)

    def __init__(self, pipeline_factory: Callable[[dict[str, Value]], ProtectionPipeline]
                 = ProtectionPipeline.from_values, **options: object) -> None:
        super().__init__('protector', PROTECTOR, **options)
        self._pipeline_factory = pipeline_factory
        self._pipeline: ProtectionPipeline | None = None
        self._publishers_of_frames: ProtectedPublishers | None = None
        self._identities = self._worker = self._images = self._info_subscription = None
        self._watch_timer = None
        self._camera_info: CameraInfo | None = None
        self._received_s = 0.0
        self._status = FilterStatus()
        self._status_publisher = self.create_publisher(
            ProtectionStatus, 'protection_status', STATUS)
        self._status_order = threading.Lock()
        self._diagnostics_publisher = self.create_publisher(
            DiagnosticArray, '/diagnostics', QoSProfile(depth=10))
        self._may_publish, self._gate = False, threading.Lock()
        self.create_steady_timer(REPORT_PERIOD_S, self._report)

    def configure(self, values: dict[str, Value]) -> None:
        """Load the networks and create the publishers, which stay silent until activation."""
        self._values = values
        pipeline = self._pipeline = self._pipeline_factory(values)
        self._publishers_of_frames = ProtectedPublishers(self, values)
        self._identities = self.create_lifecycle_publisher(
            IdentityFeatureArray, 'identities', IDENTITIES)
        self._status = FilterStatus(pipeline.method, pipeline.device)
        self.get_logger().info(f'configured: method {pipeline.method}, device {pipeline.device}, '
                               f'model {pipeline.model_id or "none"}')
        self._change(State.INACTIVE, Reason.NOT_ACTIVE)

    def activate(self) -> None:
        """Subscribe the camera and begin to publish."""
        self._pipeline.reset()
        self._camera_info, self._received_s = None, time.monotonic()
        self._may_publish = True
        self._worker = FrameWorker(self._work, self._withhold)
        self._change(State.BLANKING, Reason.NO_INPUT, 'waiting for the first frame')
        compressed = self._values['input.transport'] == 'compressed'
        self._images = ImageSubscription(
            self, CompressedImage if compressed else Image,
            'image_raw/compressed' if compressed else 'image_raw',
            self._values['qos.reliability'], self._on_image)
        self._info_subscription = self.create_subscription(
            CameraInfo, 'camera_info', self._on_camera_info, CAMERA_INFO)
        self._watch_timer = self.create_steady_timer(WATCH_PERIOD_S, self._watch)

    def deactivate(self) -> None:
        """Stop at once: the frame in work is discarded."""
        with self._gate:
            self._may_publish = False
        if self._images is not None:
            self._images.close()
            self.destroy_subscription(self._info_subscription)
            self.destroy_timer(self._watch_timer)
            self._images = None
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop(STOP_TIMEOUT_S)
            self._status.drop_pending()
            self._change(State.INACTIVE, Reason.NOT_ACTIVE)

    def cleanup(self) -> None:
        """Free the networks and the publishers."""
        if self._publishers_of_frames is not None:
            self._publishers_of_frames.close()
            self._publishers_of_frames = None
        if self._identities is not None:
            self.destroy_lifecycle_publisher(self._identities)
            self._identities = None
        self._pipeline = self._camera_info = None
        self._change(State.UNCONFIGURED, Reason.NOT_ACTIVE, self.last_failure)

    def _on_image(self, message: Image | CompressedImage) -> None:
        self._received_s = time.monotonic()
        arrival = Arrival(message, self._received_s, self._pipeline)
        self._status.receive(lambda: self._worker.put(arrival))

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._camera_info = message

    def _work(self, arrival: Arrival) -> None:
        """Protect and publish one frame, in the worker's thread."""
        latency_s: dict[str, float] = {}
        frame = self._protected(arrival, latency_s)
        latency_s.update(frame.latency_s)
        with self._gate:
            if self._is_current(arrival):
                self._publish(frame, arrival, latency_s)

    def _is_current(self, arrival: Arrival) -> bool:
        """Return False after a deactivation, even for a worker that could not be stopped."""
        return self._may_publish and arrival.pipeline is self._pipeline

    def _protected(self, arrival: Arrival, latency_s: dict[str, float]) -> ProtectedFrame:
        """Convert and protect a frame; blank what does not convert."""
        message, started_s = arrival.message, time.monotonic()
        convert = to_rgb if isinstance(message, Image) else decode_compressed
        try:
            image = convert(message, self._values['guard.image_px_max'])
        except ImageError as error:
            return arrival.pipeline.blank(
                error.height_px, error.width_px, error.reason, str(error))
        finally:
            latency_s['convert'] = time.monotonic() - started_s
        return arrival.pipeline.protect(Frame(image, arrival.received_s))

    def _publish(self, frame: ProtectedFrame, arrival: Arrival,
                 latency_s: dict[str, float]) -> None:
        source, started_s = arrival.message, time.monotonic()
        self._publishers_of_frames.publish(frame, source, self._camera_info)
        features = 0
        if frame.outcome == Outcome.PROTECTED and self._values['identity.publish']:
            features = sum(person.feature is not None for person in frame.persons)
            self._identities.publish(identity_array(
                frame, source.header, self._pipeline.model_id, self._pipeline.feature_dimension))
        self._publishers_of_frames.publish_overlay(
            frame, source, describe(state_after(frame), frame.reason, frame.message))
        now_s = time.monotonic()
        latency_s.update(publish=now_s - started_s, total=now_s - arrival.received_s)
        if self._status.finish(frame, source.header, features, latency_s):
            self._log_frame(frame)
        self._publish_status()

    def _log_frame(self, frame: ProtectedFrame) -> None:
        """Log what a frame changed; reasons can come and go with every frame."""
        if frame.outcome == Outcome.BLANKED:
            self.get_logger().warning(self._status.text, throttle_duration_sec=LOG_PERIOD_S)
        else:
            self.get_logger().info(self._status.text, throttle_duration_sec=LOG_PERIOD_S)

    def _withhold(self, arrival: Arrival, error: Exception) -> None:
        """Count a frame that could not even be blanked. Nothing more of it is passed on."""
        with self._gate:
            if not self._is_current(arrival) or not self.context.ok():
                return
            text = f'frame withheld: {type(error).__name__}: {error}'
            self.get_logger().error(text, throttle_duration_sec=LOG_PERIOD_S)
            blank = arrival.pipeline.blank(0, 0, Reason.INTERNAL_ERROR, text)
            self._status.finish(blank, arrival.message.header, 0, {})
            self._publish_status()

    def _watch(self) -> None:
        """Follow the camera's reliability and notice when it falls silent."""
        self._images.follow()
        timeout_s = self._values['guard.input_timeout_s']
        if time.monotonic() - self._received_s > timeout_s:
            self._change(State.BLANKING, Reason.NO_INPUT,
                         f'no frame on {self._images.topic} for {timeout_s:g} s')

    def _change(self, state: State, reason: Reason, message: str = '') -> None:
        if self._status.change(state, reason, message):
            self.get_logger().info(self._status.text)
            self._publish_status()

    def _publish_status(self) -> None:
        with self._status_order:  # an older status must not overtake a newer one
            if self.context.ok():
                self._status_publisher.publish(self._status.message())

    def _report(self) -> None:
        """Publish status and diagnostics, once a second in every state."""
        self._publish_status()
        self._diagnostics_publisher.publish(diagnostics(
            self._status.message(), self.get_fully_qualified_name(),
            '' if self._pipeline is None else self._pipeline.model_id,
            self.get_clock().now().to_msg()))


def main(args: list[str] | None = None) -> int:
    """Run the node until the process is asked to end; return the exit status."""
    return run(ProtectorNode, args)


if __name__ == '__main__':
    sys.exit(main())
