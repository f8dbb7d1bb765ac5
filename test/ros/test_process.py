"""The end of a node's process is no error, at whatever moment the order to end arrives."""
from __future__ import annotations

from collections.abc import Callable

import pytest
import rclpy
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import Empty

from latent_rag_ros.ros import process


@pytest.fixture
def node(ros: None, destroyed: Callable) -> Node:
    """Return a node that may be shut down by the test."""
    return destroyed(Node('process_test'))


def when_spinning(node: Node, action: Callable[[], object]) -> None:
    """Let a node do something as soon as it spins."""
    node.create_timer(0.001, action)


def test_spin_returns_when_the_order_to_end_meets_a_callback(node: Node) -> None:
    """What a callback still does after the shutdown fails in rcl; that ends the spinning only."""
    publisher = node.create_publisher(Empty, 'topic', 1)

    def end_and_publish() -> None:
        rclpy.shutdown()
        with pytest.raises(rclpy_implementation.RCLError):
            publisher.publish(Empty())
        publisher.publish(Empty())

    when_spinning(node, end_and_publish)
    process.spin(node)


def test_spin_returns_when_its_future_is_done(node: Node) -> None:
    """The future ends the spinning, the process goes on."""
    ended = Future()
    when_spinning(node, lambda: ended.set_result(None))
    process.spin(node, until=ended)
    assert rclpy.ok()


@pytest.mark.parametrize('error', [rclpy_implementation.RCLError('broken'), ValueError('broken')])
def test_spin_raises_when_a_callback_fails(node: Node, error: Exception) -> None:
    """Errors while nobody asked to end are errors."""
    def fail() -> None:
        raise error
    when_spinning(node, fail)
    with pytest.raises(type(error), match='broken'):
        process.spin(node)
