"""Persons keep their id, and stay covered while the detector misses them."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.perception.tracker import Tracker
from latent_rag_ros.protection.types import Box, Detection, TrackedPerson

HEIGHT_PX, WIDTH_PX = 480, 640


def person(left: int, top: int = 100, width: int = 40, height: int = 100,
           score: float = 0.8) -> Detection:
    return Detection(Box(left, top, left + width, top + height), score)


def update(tracker: Tracker, *detections: Detection) -> list[TrackedPerson]:
    return tracker.update(list(detections), HEIGHT_PX, WIDTH_PX)


def contains(outer: Box, inner: Box) -> bool:
    return (outer.left <= inner.left and outer.top <= inner.top
            and outer.right >= inner.right and outer.bottom >= inner.bottom)


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(overlap_min=0.2, memory_frames=5)


def test_nobody_is_tracked_when_nothing_is_detected(tracker: Tracker) -> None:
    assert update(tracker) == []
    assert update(tracker) == []


def test_id_and_box_are_the_detections_when_a_person_walks(tracker: Tracker) -> None:
    for frame in range(20):
        detection = person(10 + 8 * frame)
        assert update(tracker, detection) == [TrackedPerson(1, detection.box, 0.8, 0)]


@pytest.mark.parametrize('speed_px', [0, 4, 12])
def test_walker_stays_covered_when_missed_for_some_frames(
        tracker: Tracker, speed_px: int) -> None:
    for frame in range(10):
        update(tracker, person(50 + speed_px * frame))
    for frame in range(10, 15):
        tracked, = update(tracker)
        assert tracked.track_id == 1
        assert tracked.missed_frames == frame - 9
        assert tracked.score == 0.8
        assert contains(tracked.box, person(50 + speed_px * frame).box)


def test_person_stays_covered_when_missed_and_stopping(tracker: Tracker) -> None:
    for frame in range(10):
        update(tracker, person(50 + 10 * frame))
    for _ in range(5):
        tracked, = update(tracker)
        assert contains(tracked.box, person(50 + 10 * 9).box)


def test_box_grows_and_never_shrinks_while_missed(tracker: Tracker) -> None:
    for frame in range(4):
        update(tracker, person(300, height=100 - 5 * frame))
    boxes = [update(tracker)[0].box for _ in range(5)]
    assert boxes[0].width_px >= 40
    assert boxes[0].height_px >= 95  # the last detection, perhaps half hidden, had 85
    for earlier, later in zip(boxes, boxes[1:]):
        assert later.width_px > earlier.width_px
        assert later.height_px > earlier.height_px


def test_person_is_forgotten_when_the_memory_ends(tracker: Tracker) -> None:
    update(tracker, person(50))
    assert [len(update(tracker)) for _ in range(7)] == [1, 1, 1, 1, 1, 0, 0]


def test_person_is_forgotten_at_once_when_there_is_no_memory() -> None:
    tracker = Tracker(overlap_min=0.2, memory_frames=0)
    assert len(update(tracker, person(50))) == 1
    assert update(tracker) == []


def test_id_continues_when_the_person_is_seen_again(tracker: Tracker) -> None:
    for frame in range(6):
        update(tracker, person(50 + 8 * frame))
    for _ in range(4):
        update(tracker)
    tracked, = update(tracker, person(50 + 8 * 10))
    assert (tracked.track_id, tracked.missed_frames) == (1, 0)
    assert tracked.box == person(50 + 8 * 10).box


def test_ids_stay_when_two_people_cross(tracker: Tracker) -> None:
    for frame in range(40):
        first, second = person(50 + 10 * frame), person(440 - 10 * frame, top=110)
        tracked = update(tracker, *((first, second) if frame % 2 else (second, first)))
        if frame == 0:
            ids = {p.box: p.track_id for p in tracked}
            first_id, second_id = ids[first.box], ids[second.box]
        assert {p.track_id: p.box for p in tracked} == {
            first_id: first.box, second_id: second.box}


def test_hidden_person_stays_covered_when_two_people_cross() -> None:
    tracker = Tracker(overlap_min=0.2, memory_frames=15)
    hidden_frames = range(17, 23)
    for frame in range(40):
        front, behind = person(50 + 10 * frame), person(440 - 10 * frame, top=105)
        tracked = update(tracker, *([front] if frame in hidden_frames else [front, behind]))
        assert len(tracked) == 2
        assert any(contains(p.box, behind.box) for p in tracked)
    assert {p.track_id for p in tracked} == {1, 2}


def test_ids_are_never_used_again(tracker: Tracker) -> None:
    assert [p.track_id for p in update(tracker, person(0), person(300))] == [1, 2]
    tracker.reset()
    assert [p.track_id for p in update(tracker, person(0))] == [3]
    for _ in range(10):
        update(tracker)
    assert [p.track_id for p in update(tracker, person(0))] == [4]


def test_everybody_is_new_when_the_frame_size_changes(tracker: Tracker) -> None:
    update(tracker, person(50))
    tracked = tracker.update([person(50)], 240, 320)
    assert [p.track_id for p in tracked] == [2]


def test_box_stays_inside_when_a_person_enters_and_leaves(tracker: Tracker) -> None:
    for frame in range(12):
        right = 8 + 6 * frame
        tracked, = update(tracker, Detection(Box(max(0, right - 40), 300, right, 400), 0.6))
        assert tracked.track_id == 1
    for left in range(560, 640, 10):
        update(tracker, person(50), Detection(Box(left, 100, min(left + 40, 640), 200), 0.7))
    for _ in range(5):
        for tracked in update(tracker):
            assert tracked.box == tracked.box.clipped(HEIGHT_PX, WIDTH_PX)
            assert tracked.box.width_px > 0 and tracked.box.height_px > 0


def test_second_track_ends_when_one_person_was_seen_twice(tracker: Tracker) -> None:
    for _ in range(3):
        update(tracker, person(50))
    assert len(update(tracker, person(50), person(52, top=130, height=40))) == 2
    assert [p.track_id for p in update(tracker, person(50))] == [1]


def test_known_person_is_kept_when_another_one_walks_in_front(tracker: Tracker) -> None:
    for _ in range(4):
        update(tracker, person(50), person(200, width=60, height=160))
    for step in range(1, 5):
        tracked = update(tracker, person(200 - 35 * step, width=60, height=160))
    assert {p.track_id for p in tracked} == {1, 2}


def test_far_detection_is_another_person(tracker: Tracker) -> None:
    update(tracker, person(50))
    tracked = update(tracker, person(400))
    assert [(p.track_id, p.missed_frames) for p in tracked] == [(1, 1), (2, 0)]


def test_result_is_the_same_when_run_again() -> None:
    rng = np.random.default_rng(5)
    frames = [[person(int(x), int(y)) for x, y in rng.integers(0, 300, (rng.integers(0, 9), 2))]
              for _ in range(30)]
    runs = []
    for _ in range(2):
        tracker = Tracker(overlap_min=0.2, memory_frames=15)
        runs.append([update(tracker, *frame) for frame in frames])
    assert runs[0] == runs[1]
    assert all(len({p.track_id for p in persons}) == len(persons) for persons in runs[0])


def test_walker_keeps_the_track_when_dropped_frames_let_him_jump():
    tracker = Tracker(overlap_min=0.2, memory_frames=15)
    ids = [update(tracker, person(50 + 70 * frame))[0].track_id for frame in range(5)]
    assert ids == [1] * 5
    assert len(update(tracker, person(50 + 70 * 5))) == 1


def test_person_far_away_is_somebody_else():
    tracker = Tracker(overlap_min=0.2, memory_frames=15)
    update(tracker, person(50))
    assert [tracked.track_id for tracked in update(tracker, person(450))] == [1, 2]


def test_missed_person_is_forgotten_by_time_when_frames_are_rare():
    tracker = Tracker(overlap_min=0.2, memory_frames=15, memory_s=2.0)
    tracker.update([person(50)], HEIGHT_PX, WIDTH_PX, now_s=0.0)
    kept = [len(tracker.update([], HEIGHT_PX, WIDTH_PX, now_s=3.0 * frame))
            for frame in range(1, 5)]
    assert kept == [1, 1, 0, 0]


def test_missed_person_is_kept_by_frames_when_frames_are_frequent():
    tracker = Tracker(overlap_min=0.2, memory_frames=15, memory_s=2.0)
    tracker.update([person(50)], HEIGHT_PX, WIDTH_PX, now_s=0.0)
    kept = [len(tracker.update([], HEIGHT_PX, WIDTH_PX, now_s=0.1 * frame))
            for frame in range(1, 18)]
    assert kept == [1] * 15 + [0, 0]


def test_extent_is_covered_and_the_box_still_identifies(tracker: Tracker) -> None:
    box, extent = Box(50, 100, 90, 200), Box(40, 95, 100, 210)
    seen = tracker.update([Detection(box, 0.8, extent)], 480, 640)
    assert seen == [TrackedPerson(1, box, 0.8, 0, extent)]
    missed = tracker.update([], 480, 640)[0]
    assert missed.box.left <= extent.left and missed.box.bottom >= extent.bottom
    assert missed.covered == missed.box


CERTAIN = 0.35


@pytest.fixture
def wary() -> Tracker:
    """Return a tracker that tells certain detections from weak ones."""
    return Tracker(overlap_min=0.2, memory_frames=5, certain_score=CERTAIN)


@pytest.mark.parametrize('second', [
    person(40, width=90, score=0.25), person(52, top=130, height=40, score=0.25),
    person(92, top=150, width=8, height=20, score=0.0), person(35, width=70, score=0.6)])
def test_second_detection_of_one_person_is_covered_and_no_track(
        wary: Tracker, second: Detection) -> None:
    for _ in range(3):
        update(wary, person(50))
    for detections in ((person(50), second), (second, person(50))):
        tracked, = update(wary, *detections)
        assert (tracked.track_id, tracked.box) == (1, person(50).box)
        assert contains(tracked.covered, second.box) and contains(tracked.covered, tracked.box)
    assert update(wary, person(50)) == [TrackedPerson(1, person(50).box, 0.8, 0)]


def test_person_keeps_the_track_when_the_better_box_changes(wary: Tracker) -> None:
    body, with_leg = person(200, width=50), person(170, width=100)
    for frame in range(12):
        strong, weak = (body, with_leg) if frame % 3 else (with_leg, body)
        tracked = update(wary, Detection(strong.box, 0.6), Detection(weak.box, 0.25))
        assert [p.track_id for p in tracked] == [1]
        assert tracked[0].box == strong.box and contains(tracked[0].covered, weak.box)


def test_people_who_are_certain_have_tracks_of_their_own_when_one_stands_in_front(
        wary: Tracker) -> None:
    adult, child = person(50, width=60, height=160), person(60, top=180, width=30, height=80)
    assert {p.box for p in update(wary, adult, child)} == {adult.box, child.box}


def test_two_known_people_keep_their_tracks_when_one_hides_the_other(wary: Tracker) -> None:
    for left in range(100, 160, 4):
        tracked = update(wary, person(200), person(left))
        assert {p.track_id: p.box.left for p in tracked} == {1: 200, 2: left}
    tracked = update(wary, person(200), person(185, score=0.25))
    assert {p.track_id: p.box.left for p in tracked} == {1: 200, 2: 185}


def test_weak_detection_is_a_person_of_its_own_who_may_become_certain(wary: Tracker) -> None:
    tracked = update(wary, person(50), person(300, score=0.25))
    assert [(p.track_id, p.is_certain) for p in tracked] == [(1, True), (2, False)]
    assert [p.is_certain for p in update(wary, person(50), person(300, score=0.5))] == [True] * 2
    assert [p.is_certain for p in update(wary, person(50), person(300, score=0.2))] == [True] * 2


def test_certain_person_is_not_left_to_a_weak_track(wary: Tracker) -> None:
    for _ in range(3):
        update(wary, person(200), person(260, score=0.25))
    tracked = update(wary, person(225, width=50, score=0.6))
    assert {p.track_id: p.missed_frames for p in tracked} == {1: 0, 2: 1}


def test_everything_detected_is_covered_in_every_frame() -> None:
    rng = np.random.default_rng(8)
    tracker = Tracker(overlap_min=0.2, memory_frames=15, certain_score=CERTAIN)
    for _ in range(60):
        left_top, size = rng.integers(0, 250, (9, 2)), rng.integers(4, 120, (9, 2))
        detections = [person(int(x), int(y), int(w), int(h), float(score))
                      for (x, y), (w, h), score in zip(left_top, size, rng.random(9))]
        covered = [p.covered for p in update(tracker, *detections)]
        for detection in detections:
            assert any(contains(box, detection.box) for box in covered)


@pytest.mark.parametrize('seconds', [[0.1] * 12, [0.1, 0.1, 0.2, 0.1, 0.3, 0.1] * 2])
def test_walker_is_expected_where_the_time_has_carried_him(seconds: list[float]) -> None:
    tracker = Tracker(overlap_min=0.2, memory_frames=5)
    now_s = 0.0
    for step_s in seconds:
        now_s += step_s
        tracker.update([person(round(20 + 180 * now_s))], HEIGHT_PX, WIDTH_PX, now_s)
    tracked, = tracker.update([person(round(20 + 180 * (now_s + 0.3)))], HEIGHT_PX, WIDTH_PX,
                              now_s + 0.3)
    assert (tracked.track_id, tracked.missed_frames) == (1, 0)


def test_weak_part_of_a_missed_person_leaves_the_whole_person_covered(wary: Tracker) -> None:
    for _ in range(4):
        update(wary, person(300, width=60, height=160))
    missed, = update(wary)
    part = person(310, width=45, height=80, score=0.25)
    for _ in range(2):
        missed, = update(wary)
    tracked, = update(wary, part)
    assert (tracked.track_id, tracked.missed_frames, tracked.box) == (1, 0, part.box)
    assert contains(tracked.covered, missed.covered)
    assert update(wary, part)[0].covered == part.box
    tracked, = update(wary, person(310, width=45, height=80))
    assert tracked.covered == tracked.box


def test_newcomer_beside_the_way_of_a_known_person_is_somebody_else(tracker: Tracker) -> None:
    for frame in range(6):
        update(tracker, person(50 + 10 * frame))
    tracked = update(tracker, person(190))
    assert [(p.track_id, p.missed_frames) for p in tracked] == [(1, 1), (2, 0)]


def test_new_person_is_followed_over_a_jump_only_in_about_the_same_size(tracker: Tracker) -> None:
    update(tracker, person(50))
    assert {p.track_id for p in update(tracker, person(120, height=110))} == {1}
    tracked = update(tracker, person(200, top=60, width=70, height=180))
    assert [(p.track_id, p.missed_frames) for p in tracked] == [(1, 1), (2, 0)]
