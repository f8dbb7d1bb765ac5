"""What is made anew per track is due in time, evenly spread, and the same in every run."""
from __future__ import annotations

from latent_rag_ros.protection.renewal import RenewalSchedule


def renewals(schedule: RenewalSchedule, tracks: set[int], frames: int) -> list[list[int]]:
    """Return who was renewed in each frame when everybody due is renewed."""
    history = []
    for _ in range(frames):
        schedule.begin_frame(tracks)
        due = [track for track in sorted(tracks) if schedule.is_due(track)]
        for track in due:
            schedule.renew(track)
        history.append(due)
    return history


def test_everybody_is_renewed_within_the_period():
    history = renewals(RenewalSchedule(5), {1, 2, 3}, 40)
    for track in (1, 2, 3):
        frames = [frame for frame, due in enumerate(history) if track in due]
        assert frames[0] == 0
        assert max(after - before for before, after in zip(frames, frames[1:])) <= 5


def test_people_who_came_together_are_spread_over_the_frames():
    history = renewals(RenewalSchedule(6), {1, 2, 3}, 60)
    assert history[0] == [1, 2, 3]
    assert max(len(due) for due in history[10:]) == 1


def test_everybody_is_renewed_in_every_frame_when_the_period_is_one():
    assert renewals(RenewalSchedule(1), {4, 9}, 5) == [[4, 9]] * 5


def test_first_renewals_of_a_track_are_dense():
    history = renewals(RenewalSchedule(10, dense=3), {7}, 8)
    assert [bool(due) for due in history[:5]] == [True, True, True, True, False]


def test_track_that_ended_is_new_when_it_comes_back():
    schedule = RenewalSchedule(10)
    renewals(schedule, {1}, 2)
    schedule.begin_frame(set())
    schedule.begin_frame({1})
    assert schedule.is_due(1)


def test_schedule_is_the_same_after_a_reset():
    schedule = RenewalSchedule(4, dense=1)
    first = renewals(schedule, {1, 2, 3}, 30)
    schedule.reset()
    assert renewals(schedule, {1, 2, 3}, 30) == first


def test_renewals_wait_for_free_frames_and_are_in_time():
    schedule, tracks = RenewalSchedule(5), {1, 2, 3, 4}
    history = []
    for number in range(60):
        schedule.begin_frame(tracks, is_busy=number % 2 == 1)
        due = [track for track in sorted(tracks) if schedule.is_due(track)]
        for track in due:
            schedule.renew(track)
        history.append(due)
    assert not any(history[number] for number in range(11, 60, 2))
    for track in tracks:
        frames = [frame for frame, due in enumerate(history) if track in due]
        assert max(after - before for before, after in zip(frames, frames[1:])) <= 5


def test_nobody_waits_longer_than_the_period_when_every_frame_is_busy():
    schedule, frames = RenewalSchedule(5), []
    for number in range(40):
        schedule.begin_frame({1}, is_busy=True)
        if schedule.is_due(1):
            schedule.renew(1)
            frames.append(number)
    assert max(after - before for before, after in zip(frames, frames[1:])) <= 5


def test_new_track_does_not_wait_when_the_frame_is_busy():
    schedule = RenewalSchedule(5, dense=2)
    for _ in range(3):
        schedule.begin_frame({1}, is_busy=True)
        assert schedule.is_due(1)
        schedule.renew(1)
