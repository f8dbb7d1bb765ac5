"""One rclpy context for all tests of this folder, and nodes that end with their test.

Nodes left to the garbage collector end at some later moment, many DDS participants at once, in
the middle of whatever runs then: that has deadlocked Fast DDS. So contexts live as long as the
session, and every node is destroyed by the test that made it.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import rclpy
from rclpy.context import Context
from rclpy.node import Node


@pytest.fixture(scope='session')
def _end_of_rclpy() -> Iterator[None]:
    """Shut rclpy's own context down after the last test."""
    yield
    rclpy.try_shutdown()


@pytest.fixture
def ros(_end_of_rclpy: None) -> None:
    """Have rclpy's own context running; it stays for the next test."""
    if not rclpy.ok():
        rclpy.init()


@pytest.fixture(scope='session')
def second_context() -> Iterator[Context]:
    """Return a second ROS context, as of another process."""
    context = Context()
    rclpy.init(context=context)
    yield context
    rclpy.try_shutdown(context=context)


@pytest.fixture
def destroyed() -> Iterator[Callable[[Node], Node]]:
    """Return what takes a node, gives it back, and destroys it after the test."""
    nodes: list[Node] = []

    def remember(node: Node) -> Node:
        nodes.append(node)
        return node

    yield remember
    for node in nodes:
        node.destroy_node()
