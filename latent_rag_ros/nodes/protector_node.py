"""The protector: raw camera images in, protected images and identity features out.

This file is the lifecycle only. What happens to the images between activation and deactivation is
in `ros.protection_run`.
"""
from __future__ import annotations

import sys
from collections.abc import Callable

from rclpy.subscription import Subscription
from rclpy.timer import Timer
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from latent_rag_ros.parameters import PROTECTOR, ParameterError, Value
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.states import State
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.protection.watchdog import Watchdog
from latent_rag_ros.ros.frame_output import FrameOutput
from latent_rag_ros.ros.lifecycle import SafeLifecycleNode, run
from latent_rag_ros.ros.protection_run import ProtectionRun
from latent_rag_ros.ros.qos import CAMERA_INFO, ImageSubscription
from latent_rag_ros.ros.status import FilterStatus
from latent_rag_ros.ros.status_reporter import StatusReporter
from latent_rag_ros.weights.registry import WeightsError

REPORT_PERIOD_S, FOLLOW_PERIOD_S = 1.0, 0.2
STOP_TIMEOUT_S = 30.0
"""How long a transition waits for the frame in work; the slowest preset stays far below it."""


class ProtectorNode(SafeLifecycleNode):
    """Lifecycle node around the filter of one camera.

    Parameters
    ----------
    pipeline_factory : Callable
        Makes a pipeline from the checked parameter values, also to replace one that hangs.
    **options
        Further arguments of `rclpy.node.Node`.
    """

    expected_errors = (ParameterError, WeightsError)

    def __init__(self, pipeline_factory: Callable[[dict[str, Value]], ProtectionPipeline]
                 = ProtectionPipeline.from_values, **options: object) -> None:
        super().__init__('protector', PROTECTOR, **options)
        self._pipeline_factory = pipeline_factory
        self._pipeline: ProtectionPipeline | None = None
        self._output: FrameOutput | None = None
        self._protection: ProtectionRun | None = None
        self._watchdog: Watchdog | None = None
        self._images: ImageSubscription | None = None
        self._info_subscription: Subscription | None = None
        self._follow_timer: Timer | None = None
        self._reporter = StatusReporter(self)
        self.create_steady_timer(REPORT_PERIOD_S, self._reporter.report)

    def configure(self, values: dict[str, Value]) -> None:
        """Load the networks and create the publishers, which stay silent until activation."""
        self._values = values
        pipeline = self._pipeline = self._pipeline_factory(values)
        self._output = FrameOutput(self, values)
        self._reporter.status = FilterStatus()
        self._reporter.use(pipeline)
        self.get_logger().info(f'configured: method {pipeline.method}, device {pipeline.device}, '
                               f'model {pipeline.model_id or "none"}')
        self._reporter.change(State.INACTIVE, Reason.NOT_ACTIVE)

    def activate(self) -> None:
        """Subscribe the camera and begin to publish."""
        if self._pipeline is not None:
            self._pipeline.reset()
        self._output.camera_info = None
        self._reporter.change(State.BLANKING, Reason.NO_INPUT, 'waiting for the first frame')
        compressed = self._values['input.transport'] == 'compressed'
        topic = 'image_raw/compressed' if compressed else 'image_raw'
        self._protection = ProtectionRun(
            self._values, self._pipeline, self._fresh_pipeline, self._output, self._reporter,
            self.resolve_topic_name(topic))
        self._watchdog = Watchdog(self._protection.check, self._protection.check_period_s)
        self._images = ImageSubscription(
            self, CompressedImage if compressed else Image, topic,
            self._values['qos.reliability'], self._protection.receive)
        self._info_subscription = self.create_subscription(
            CameraInfo, 'camera_info', self._on_camera_info, CAMERA_INFO)
        self._follow_timer = self.create_steady_timer(FOLLOW_PERIOD_S, self._images.follow)

    def deactivate(self) -> None:
        """Stop at once: the frame in work is discarded."""
        protection, self._protection = self._protection, None
        if protection is None:
            return
        protection.close()
        if self._watchdog is not None:
            self._watchdog.stop()
            self._watchdog = None
        if self._images is not None:
            self._images.close()
            self.destroy_subscription(self._info_subscription)
            self.destroy_timer(self._follow_timer)
            self._images = None
        protection.wait(STOP_TIMEOUT_S)
        self._pipeline = protection.pipeline
        self._reporter.change(State.INACTIVE, Reason.NOT_ACTIVE)

    def cleanup(self) -> None:
        """Free the networks and the publishers."""
        if self._output is not None:
            self._output.close()
            self._output = None
        self._pipeline, self._reporter.model_id = None, ''
        self._reporter.change(State.UNCONFIGURED, Reason.NOT_ACTIVE, self.last_failure)

    def _fresh_pipeline(self, device: str | None) -> ProtectionPipeline:
        values = self._values if device is None else {**self._values, 'device': device}
        return self._pipeline_factory(values)

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._output.camera_info = message


def main(args: list[str] | None = None) -> int:
    """Run the node until the process is asked to end; return the exit status."""
    return run(ProtectorNode, args)


if __name__ == '__main__':
    sys.exit(main())
