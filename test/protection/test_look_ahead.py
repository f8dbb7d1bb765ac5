"""People are covered before they were first seen, and nothing waits longer than it should."""
from __future__ import annotations

import time

import numpy as np
import pytest

from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.protection.look_ahead import LookAhead, Perceived, with_future
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import (
    Box, Detection, Frame, Outcome, Reason, TrackedPerson)

SIZE = (240, 320)


def perceived(*persons: TrackedPerson, size: tuple[int, int] = SIZE) -> Perceived:
    return Perceived(Frame(np.zeros((*size, 3), np.uint8), 0.0), persons, StageClock())


def person(left: int, missed: int = 0, track: int = 1) -> TrackedPerson:
    return TrackedPerson(track, Box(left, 60, left + 40, 160), 0.8, missed)


def test_frames_come_out_in_order_after_the_look_ahead() -> None:
    look_ahead, frames = LookAhead(2), [perceived() for _ in range(5)]
    released = [[one.frame for one in look_ahead.add(frame)] for frame in frames]
    assert [len(batch) for batch in released] == [0, 0, 1, 1, 1]
    assert [batch[0] is frames[row].frame for row, batch in enumerate(released[2:])] == [True] * 3
    assert [one.frame is frames[row].frame
            for row, one in enumerate(look_ahead.flush(), 3)] == [True] * 2
    assert look_ahead.flush() == []


def test_without_look_ahead_nothing_waits() -> None:
    assert len(LookAhead(0).add(perceived(person(10)))) == 1


def test_person_who_enters_is_covered_where_the_way_leads_back() -> None:
    found = with_future(perceived(), [perceived(), perceived(person(120)), perceived(person(140))])
    assert len(found) == 1 and found[0].missed_frames == 2
    assert found[0].box.left <= 80 and found[0].box.right >= 160  # 20 px per frame, two frames ago
    assert found[0].box.top < 60 and found[0].box.bottom > 160


def test_person_seen_once_is_covered_around_that_place() -> None:
    box = with_future(perceived(), [perceived(person(120))])[0].box
    assert box.left < 120 and box.right > 160


def test_person_who_was_missed_in_between_is_covered_from_both_sides() -> None:
    held = perceived(person(100, missed=3))
    box = with_future(held, [perceived(person(200))])[0].box
    assert box.left <= 100 and box.right >= 240


def test_detected_person_stays_as_detected() -> None:
    held = perceived(person(100))
    assert with_future(held, [perceived(person(110)), perceived(person(120))]) == held.persons


def test_remembered_person_of_a_later_frame_is_no_sighting() -> None:
    assert with_future(perceived(), [perceived(person(100, missed=1))]) == ()


def test_frame_of_another_size_says_nothing() -> None:
    assert with_future(perceived(), [perceived(person(100), size=(480, 640))]) == ()


def frames_of(count: int) -> list[Frame]:
    rng = np.random.default_rng(3)
    return [Frame(rng.integers(1, 256, (*SIZE, 3), np.uint8), time.monotonic() + 60.0, 0.1 * row)
            for row in range(count)]


@pytest.fixture
def entering(make_pipeline):
    """Return a pipeline with look-ahead whose detector sees somebody from the third frame on."""
    pipeline = make_pipeline([], protection__look_ahead_frames=2)
    detector, seen = pipeline._parts.detector, [0]

    def detect(image):
        seen[0] += 1
        return [Detection(Box(100, 60, 140, 160), 0.9)] if seen[0] >= 3 else []

    detector.detect = detect
    return pipeline


def test_pipeline_covers_the_frames_before_somebody_was_seen(entering) -> None:
    frames = frames_of(5)
    finished = [pair for frame in frames for pair in entering.process(frame)] + entering.flush()
    assert [source is frame for (source, _), frame in zip(finished, frames)] == [True] * 5
    for source, protected in finished:
        assert protected.outcome == Outcome.PROTECTED
        assert protected.covered[60:160, 100:140].all()
        assert not (protected.image[60:160, 100:140] == source.image[60:160, 100:140]).all(2).any()
    assert [protected.persons[0].missed_frames for _, protected in finished[:3]] == [2, 1, 0]


def test_without_look_ahead_the_first_frames_are_bare(make_pipeline) -> None:
    pipeline = make_pipeline([], protection__look_ahead_frames=0)
    assert not pipeline.process(frames_of(1)[0])[0][1].covered.any()


def test_waiting_frames_are_never_shown_after_a_reset(entering) -> None:
    for frame in frames_of(2):
        assert entering.process(frame) == []
    entering.reset()
    assert entering.flush() == []


def test_frame_whose_detector_failed_is_blank_when_its_turn_comes(make_pipeline) -> None:
    pipeline = make_pipeline([Box(100, 60, 140, 160)], protection__look_ahead_frames=1)
    good, bad, last = frames_of(3)
    detect = pipeline._parts.detector.detect
    assert pipeline.process(good) == []

    def fail(image):
        raise DetectorError('scores are NaN')

    pipeline._parts.detector.detect = fail
    assert [frame.outcome for _, frame in pipeline.process(bad)] == [Outcome.PROTECTED]
    pipeline._parts.detector.detect = detect
    blank = pipeline.process(last)[0]
    assert blank[0] is bad and blank[1].reason == Reason.DETECTOR_FAILED
    assert not blank[1].image.any()
