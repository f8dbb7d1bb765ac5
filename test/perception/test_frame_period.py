"""Time between frames counts in usual periods, whatever the clock does."""
from __future__ import annotations

import pytest

from latent_rag_ros.perception.frame_period import STEP_MAX, STEP_MIN, FramePeriod


def steps(*times_s: float) -> list[float]:
    period = FramePeriod()
    return [period.step(now_s) for now_s in times_s]


def test_regular_frames_are_one_period_apart():
    assert steps(5.0, 5.1, 5.2, 5.3) == pytest.approx([1, 1, 1, 1])


def test_dropped_frames_make_a_longer_step():
    assert steps(0.0, 0.1, 0.2, 0.4, 0.5)[3] == pytest.approx(2)


def test_clock_that_stands_still_or_goes_back_counts_frames():
    assert steps(0.0, 0.0, 0.0) == [1, 1, 1]
    assert steps(3.0, 1.0, 1.1) == pytest.approx([1, 1, 1])


def test_step_stays_in_bounds_when_frames_come_in_bursts_or_after_a_pause():
    assert steps(0.0, 0.1, 0.1001)[2] == STEP_MIN
    assert steps(0.0, 0.1, 60.0)[2] == STEP_MAX


def test_another_rate_becomes_the_usual_one():
    times_s = [0.1 * frame for frame in range(10)] + [0.9 + 0.2 * frame for frame in range(1, 60)]
    assert steps(*times_s)[-1] == pytest.approx(1, abs=0.02)
