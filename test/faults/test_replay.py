"""A recording that is played again in simulated time comes out as it did live, bit for bit."""
from __future__ import annotations

import hashlib
from collections.abc import Iterable

from nodes.conftest import Graph
from nodes.protector_bench import ProtectorBench, message_of
from rclpy.context import Context
from rclpy.qos import QoSProfile
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

from .clip_viewer import clip_frames

FRAMES = 5
FIXED = {'protection__method': 'solid', 'identity__publish': False, 'device': 'cpu',
         'guard__deadline_s': 60.0, 'guard__hang_timeout_s': 600.0, 'tracker__memory_s': 60.0}


def hashes(graph: Graph, context: Context, messages: Iterable[Image],
           use_sim_time: bool) -> list[str]:
    """Return the hashes of what a fresh protector with the shipped networks makes of a recording.

    In simulated time the stamps of the recording are the clock.
    """
    protector = ProtectorBench(graph, context, None, use_sim_time=use_sim_time, **FIXED)
    clock = graph.publisher(Clock, '/clock', QoSProfile(depth=10)) if use_sim_time else None
    try:
        found = []
        for message in messages:
            if clock is not None:
                clock.publish(Clock(clock=message.header.stamp))
            answer = protector.protect(message)
            assert answer.header == message.header
            found.append(hashlib.sha256(answer.data).hexdigest())
        assert protector.status.frames_protected == len(found)
        assert protector.status.persons_protected >= 2 * len(found)
        return found
    finally:
        protector.close()


def test_replay_in_sim_time_equals_the_live_result(
        graph: Graph, contexts: tuple[Context, Context]) -> None:
    recording = [message_of(number, image=frame.image)
                 for number, frame in enumerate(clip_frames()[:FRAMES])]
    live = hashes(graph, contexts[1], recording, use_sim_time=False)
    replayed = hashes(graph, contexts[1], recording, use_sim_time=True)
    assert live == replayed and len(set(live)) == FRAMES
