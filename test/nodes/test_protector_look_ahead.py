"""Frames that are held back come out covered, under their own headers, or not at all."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.ros.images import to_rgb

from .protector_bench import PERSON, Bench, KnownPersons, header_of, message_of

LONG_S = 60.0  # the longest deadline: on a slow machine frames may wait for each other


def test_person_is_covered_in_the_frames_before_the_first_detection(bench: Bench) -> None:
    detector = KnownPersons()
    protector = bench(detector, protection__look_ahead_frames=2, guard__deadline_s=LONG_S)
    for number in range(4):
        detector.boxes = (PERSON,) if number >= 2 else ()
        protector.send(message_of(number))
        protector.wait_for(lambda: detector.begun.acquire(blocking=False), f'frame {number}')
    protector.wait_for(lambda: len(protector.images) == 2, 'the frames that waited long enough')
    for number, answer in enumerate(protector.images):
        assert answer.header == header_of(number)
        raw, protected = to_rgb(message_of(number)), to_rgb(answer)
        assert not (raw[PERSON.slices] == protected[PERSON.slices]).all(2).any()
        assert np.array_equal(raw[:, :8], protected[:, :8])
    protector.wait_for(lambda: protector.status.frames_protected == 2, 'their status')
    assert protector.status.frames_pending == 2
    assert 'look_ahead' in protector.status.latency_stages


def test_frames_that_wait_are_blanked_when_the_camera_stops(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON), protection__look_ahead_frames=3,
                      guard__deadline_s=1.0, guard__fault_frames_max=1000)
    protector.send(message_of(0))
    protector.wait_for(lambda: protector.images, 'answer at the deadline')
    assert protector.images[0].header == header_of(0)
    assert not any(protector.images[0].data)
    protector.wait_for(lambda: protector.status.frames_blanked == 1, 'status of the frame')
    assert protector.status.reason == ProtectionStatus.REASON_LATE


def test_frames_that_wait_are_dropped_by_a_deactivation(bench: Bench) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector, protection__look_ahead_frames=2, guard__deadline_s=LONG_S)
    protector.send(message_of(0))
    protector.wait_for(lambda: detector.begun.acquire(blocking=False), 'the frame')
    protector.node.trigger_deactivate()
    protector.wait_for_state(ProtectionStatus.STATE_INACTIVE)
    assert protector.images == []
    assert (protector.status.frames_received, protector.status.frames_dropped) == (1, 1)
