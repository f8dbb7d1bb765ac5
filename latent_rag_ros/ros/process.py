"""Start and end of a node's process, however often it is asked to end.

After Ctrl-C a node gets SIGINT twice, from the terminal and from launch. rclpy takes the first as
the order to end; at the second, Python would raise KeyboardInterrupt in the middle of the ending,
and rclpy's own handler would touch what is already destroyed.
"""
from __future__ import annotations

import signal

import rclpy


def start(args: list[str] | None) -> None:
    """Initialise rclpy; SIGINT and SIGTERM make spin raise `ExternalShutdownException`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's handler; rclpy puts its own before it
    rclpy.init(args=args)


def ignore_signals() -> None:
    """Let the ending run to its end; SIGKILL still works. Call it before anything is destroyed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
