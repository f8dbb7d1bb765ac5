"""Every camera reaches every subscription that follows it, whatever starts first."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest
import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from latent_rag_ros.ros.qos import PROTECTED_IMAGE, ImageSubscription

TIMEOUT_S = 30.0
RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT


@pytest.fixture
def node(ros: None) -> Iterator[Node]:
    node = rclpy.create_node('filter')
    yield node
    node.destroy_node()


def wait_for(node: Node, condition: Callable[[], object]) -> bool:
    """Spin until `condition` holds; return whether it did in time."""
    end_s = time.monotonic() + TIMEOUT_S
    while not condition() and time.monotonic() < end_s:
        rclpy.spin_once(node, timeout_sec=0.02)
    return bool(condition())


def camera_of(node: Node, reliability: ReliabilityPolicy) -> object:
    """Return a publisher of image_raw."""
    return node.create_publisher(Image, 'image_raw', QoSProfile(depth=5, reliability=reliability))


def deliver(node: Node, camera: object, received: list, follow: Callable[[], object]) -> bool:
    """Publish until an image arrives."""
    def arrived() -> bool:
        follow()
        camera.publish(Image(height=1, width=1))
        return bool(received)
    return wait_for(node, arrived)


@pytest.mark.parametrize('reliability', [RELIABLE, BEST_EFFORT])
@pytest.mark.parametrize('camera_first', [True, False])
def test_auto_subscription_receives_from_every_camera(
        node: Node, reliability: ReliabilityPolicy, camera_first: bool) -> None:
    received: list = []
    camera = camera_of(node, reliability) if camera_first else None
    images = ImageSubscription(node, Image, 'image_raw', 'auto', received.append)
    camera = camera or camera_of(node, reliability)
    assert deliver(node, camera, received, images.follow)
    assert images.reliability == reliability


def test_auto_subscription_follows_a_camera_that_changes(node: Node) -> None:
    received: list = []
    images = ImageSubscription(node, Image, 'image_raw', 'auto', received.append)
    for reliability in (RELIABLE, BEST_EFFORT, RELIABLE):
        camera = camera_of(node, reliability)
        received.clear()
        assert deliver(node, camera, received, images.follow)
        assert images.reliability == reliability
        node.destroy_publisher(camera)
        assert wait_for(node, lambda: node.count_publishers('image_raw') == 0)


def test_mixed_cameras_are_both_received(node: Node) -> None:
    received: list = []
    cameras = [camera_of(node, RELIABLE), camera_of(node, BEST_EFFORT)]
    images = ImageSubscription(node, Image, 'image_raw', 'auto', received.append)
    for camera in cameras:
        received.clear()
        assert deliver(node, camera, received, images.follow)
    assert images.reliability == BEST_EFFORT


@pytest.mark.parametrize('given', ['reliable', 'best_effort'])
def test_fixed_reliability_stays(node: Node, given: str) -> None:
    other = BEST_EFFORT if given == 'reliable' else RELIABLE
    camera_of(node, other)
    images = ImageSubscription(node, Image, 'image_raw', given, lambda image: None)
    assert wait_for(node, lambda: node.count_publishers('image_raw') == 1)
    assert images.follow() is False
    assert images.reliability.name.lower() == given


@pytest.mark.parametrize('reliability', [RELIABLE, BEST_EFFORT])
def test_protected_images_reach_every_viewer(node: Node, reliability: ReliabilityPolicy) -> None:
    received: list = []
    node.create_subscription(Image, 'protected/image', received.append,
                             QoSProfile(depth=1, reliability=reliability))
    publisher = node.create_publisher(Image, 'protected/image', PROTECTED_IMAGE)
    assert deliver(node, publisher, received, lambda: None)


def test_closed_subscription_receives_nothing(node: Node) -> None:
    images = ImageSubscription(node, Image, 'image_raw', 'auto', lambda image: None)
    assert images.topic == '/image_raw'
    images.close()
    assert node.count_subscribers('image_raw') == 0
