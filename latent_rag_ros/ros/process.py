"""Start and end of a node's process, however often it is asked to end.

After Ctrl-C a node gets SIGINT twice, from the terminal and from launch. rclpy takes the first as
the order to end; at the second, Python would raise KeyboardInterrupt in the middle of the ending,
and rclpy's own handler would touch what is already destroyed.
"""
from __future__ import annotations

import resource
import signal

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.task import Future


CORE_BYTES = 1
"""Too little for a core file; and the kernel pipes no core to a crash reporter at exactly 1."""


def start(args: list[str] | None) -> None:
    """Initialise rclpy; SIGINT and SIGTERM end `spin` from now on.

    A crash leaves no core dump: it would hold raw frames.
    """
    hard_limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    limit = CORE_BYTES if hard_limit == resource.RLIM_INFINITY else min(CORE_BYTES, hard_limit)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python's handler; rclpy puts its own before it
    rclpy.init(args=args)


def spin(node: Node, until: Future | None = None) -> None:
    """Serve a node until the process is asked to end, or until `until` is done.

    Errors of callbacks come out of here, except those that only say that rclpy was shut down:
    rclpy asks before it prepares a wait, and a signal in between surfaces as an error of rcl.
    """
    try:
        if until is None:
            rclpy.spin(node)
        else:
            rclpy.spin_until_future_complete(node, until)
    except ExternalShutdownException:
        pass
    except rclpy_implementation.RCLError:
        if rclpy.ok():
            raise


def ignore_signals() -> None:
    """Let the ending run to its end; SIGKILL still works. Call it before anything is destroyed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
