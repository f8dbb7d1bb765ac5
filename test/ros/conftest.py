"""An rclpy context for the tests that need one."""
from __future__ import annotations

from collections.abc import Iterator

import pytest
import rclpy


@pytest.fixture
def ros() -> Iterator[None]:
    """Run a test between rclpy.init and its end."""
    rclpy.init()
    yield
    rclpy.try_shutdown()
