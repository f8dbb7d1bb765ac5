"""The demo launch file, run by the real launch system where a ROS install has it."""
from __future__ import annotations

import time
import unittest
from pathlib import Path

import pytest

pytest.importorskip('launch_testing', reason='launch_testing comes with a ROS install only')

import launch  # noqa: E402
import launch_testing  # noqa: E402
import launch_testing.actions  # noqa: E402
import launch_testing.asserts  # noqa: E402
import rclpy  # noqa: E402
from ament_index_python.packages import get_package_share_directory  # noqa: E402
from launch.actions import IncludeLaunchDescription  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from sensor_msgs.msg import Image  # noqa: E402

from latent_rag_ros.msg import IdentityMatchArray, ProtectionStatus  # noqa: E402

DEADLINE_S = 120.0


@pytest.mark.launch_test
def generate_test_description() -> launch.LaunchDescription:
    """Return the demo without rviz, as a user starts it."""
    demo = Path(get_package_share_directory('latent_rag_ros')) / 'launch' / 'demo.launch.py'
    return launch.LaunchDescription([
        IncludeLaunchDescription(PythonLaunchDescriptionSource(str(demo))),
        launch_testing.actions.ReadyToTest()])


class TestDemo(unittest.TestCase):
    """While the demo runs."""

    @classmethod
    def setUpClass(cls) -> None:
        rclpy.init()
        cls.node = rclpy.create_node('demo_probe')

    @classmethod
    def tearDownClass(cls) -> None:
        cls.node.destroy_node()
        rclpy.shutdown()

    def received(self, message_type: type, topic: str, count: int) -> list:
        """Wait for `count` messages and return them."""
        messages: list = []
        subscription = self.node.create_subscription(message_type, topic, messages.append, 10)
        end = time.monotonic() + DEADLINE_S
        while len(messages) < count and time.monotonic() < end:
            rclpy.spin_once(self.node, timeout_sec=0.2)
        self.node.destroy_subscription(subscription)
        self.assertGreaterEqual(len(messages), count, topic)
        return messages

    def test_protected_images_flow(self) -> None:
        stamps = [(image.header.stamp.sec, image.header.stamp.nanosec) for image in
                  self.received(Image, '/camera/protected/image', 5)]
        self.assertEqual(stamps, sorted(set(stamps)))

    def test_people_are_protected_and_counters_add_up(self) -> None:
        status = self.received(ProtectionStatus, '/camera/protection_status', 5)[-1]
        self.assertIn(status.state, (ProtectionStatus.STATE_PROTECTING,
                                     ProtectionStatus.STATE_DEGRADED))
        self.assertGreater(status.persons_protected, 0)
        self.assertEqual(status.frames_received, sum((
            status.frames_protected, status.frames_blanked, status.frames_dropped,
            status.frames_pending)))

    def test_identities_are_matched(self) -> None:
        matches = self.received(IdentityMatchArray, '/camera/identity_matches', 5)
        self.assertEqual({match.header.frame_id for match in matches}, {'camera_optical_frame'})


@launch_testing.post_shutdown_test()
class TestDemoAfterShutdown(unittest.TestCase):
    """After the demo was interrupted."""

    def test_every_process_exits_cleanly(self, proc_info) -> None:
        launch_testing.asserts.assertExitCodes(proc_info)
