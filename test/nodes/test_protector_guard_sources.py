"""Cameras that stall, repeat themselves or lie about the time, and the budget of faults."""
from __future__ import annotations

from itertools import count

import pytest

from latent_rag_ros.protection.states import State
from latent_rag_ros.protection.types import Reason

from .guard_bench import NewBench, guarded
from .protector_bench import header_of, message_of, noise

__all__ = ['guarded']  # a fixture: pytest finds it by its name here


def test_too_many_faults_blank_everything_until_enough_frames_went_well(
        guarded: NewBench) -> None:
    bench = guarded(guard__fault_frames_max=2, guard__fault_window_frames=10,
                    guard__clean_frames_min=3)
    numbers, budget = count(1), Reason.ERROR_BUDGET

    def show(failing: bool) -> Reason:
        bench.detector.failing = failing
        return bench.protect(message_of(next(numbers)))

    faults = [show(failing) for failing in (True, False, True, False, True)]
    assert faults == [Reason.DETECTOR_FAILED, Reason.NONE] * 2 + [Reason.DETECTOR_FAILED]
    assert [show(False), show(False)] == [budget, budget]
    assert bench.state == (State.BLANKING, budget)
    assert show(True) == Reason.DETECTOR_FAILED
    assert [show(False) for _ in range(4)] == [budget, budget, Reason.NONE, Reason.NONE]
    assert bench.state == (State.PROTECTING, Reason.NONE)


def test_bad_images_of_the_camera_do_not_count_as_faults_of_the_filter(guarded: NewBench) -> None:
    bench = guarded(guard__fault_frames_max=0)
    for number in range(1, 8):
        message = message_of(number)
        message.step += 1
        assert bench.protect(message) == Reason.MALFORMED_IMAGE
    assert bench.protect(message_of(8)) == Reason.NONE


def test_camera_that_stalls_is_stale_and_its_return_is_noticed(guarded: NewBench) -> None:
    bench = guarded()
    bench.move(5.1)
    assert bench.state == (State.BLANKING, Reason.NO_INPUT)
    bench.protect(message_of(1))
    bench.move(4.9)
    assert bench.state == (State.PROTECTING, Reason.NONE)
    bench.move(0.2)
    assert bench.state == (State.BLANKING, Reason.STALE)
    assert '/image_raw' in bench.reports.status.text
    bench.protect(message_of(2))
    assert bench.state == (State.PROTECTING, Reason.NONE)


@pytest.mark.parametrize('repeated', ['picture', 'stamp'])
def test_stuck_camera_is_reported_and_still_protected(guarded: NewBench, repeated: str) -> None:
    bench = guarded(guard__stuck_frames=3)
    reasons = []
    for number in range(1, 5):
        message = message_of(number, image=noise(1) if repeated == 'picture' else None)
        if repeated == 'stamp':
            message.header.stamp = header_of(1).stamp
        reasons.append(bench.protect(message))
    assert reasons == [Reason.NONE, Reason.NONE, Reason.SOURCE_STUCK, Reason.SOURCE_STUCK]
    assert bench.state == (State.DEGRADED, Reason.SOURCE_STUCK)
    assert f'same {repeated} 4 times' in bench.reports.status.text
    assert bench.protect(message_of(9)) == Reason.NONE
    assert bench.counts == (5, 5, 0, 0)


def test_camera_without_stamps_is_not_stuck(guarded: NewBench) -> None:
    bench = guarded(guard__stuck_frames=2)
    for number in range(1, 5):
        message = message_of(number)
        message.header.stamp.sec = message.header.stamp.nanosec = 0
        assert bench.protect(message) == Reason.NONE


@pytest.mark.parametrize('stamps_s', [(2**31 - 1, 1, 0, 7), (-5, -9, 3, -2**31)],
                         ids=['future, then back', 'negative'])
def test_stamps_of_the_camera_decide_nothing(guarded: NewBench, stamps_s: tuple) -> None:
    bench = guarded()
    for number, stamp_s in enumerate(stamps_s, 1):
        message = message_of(number)
        message.header.stamp.sec = stamp_s
        assert bench.protect(message) == Reason.NONE
        bench.move(0.5)
    assert bench.state == (State.PROTECTING, Reason.NONE)
