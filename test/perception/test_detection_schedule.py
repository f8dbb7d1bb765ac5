"""A frame is looked at when it is its turn, and when something moves where nobody is covered."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.perception.detection_schedule import (FURTHER_EVERY, DetectionSchedule,
                                                           Turns)
from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.protection.types import Box, Detection, ImageArray, TrackedPerson

GROUND = np.random.default_rng(4).integers(60, 130, (480, 640, 3), np.uint8)
PERSON = Box(100, 100, 140, 200)
NEWCOMER = Box(400, 300, 425, 360)


class Counting:
    """Finds one person, and counts how often it is asked."""

    def __init__(self) -> None:
        self.looks, self.resets, self.error = 0, 0, None

    def detect(self, image: ImageArray) -> list[Detection]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return [Detection(PERSON, 0.9)]

    def reset(self) -> None:
        self.resets += 1


def scene(*people: Box, noise: int = 0) -> ImageArray:
    """Return the ground with people in it; `noise` is the seed of the camera's noise."""
    image = GROUND + np.random.default_rng(noise).integers(-4, 5, GROUND.shape)
    for person in people:
        image[person.slices] = (200, 40, 60)
    return image.astype(np.uint8)


def looks(schedule: DetectionSchedule, detector: Counting, *images: ImageArray) -> list[int]:
    """Return how many looks each image took, with the person covered all the time."""
    counts = []
    for image in images:
        before = detector.looks
        schedule.detect(image)
        schedule.cover([TrackedPerson(1, PERSON, 0.9, 0)])
        counts.append(detector.looks - before)
    return counts


def test_every_third_frame_is_looked_at_while_nothing_new_moves():
    detector = Counting()
    images = [scene(PERSON.moved(number, 0), noise=number) for number in range(7)]
    assert looks(DetectionSchedule(detector, 3), detector, *images) == [1, 0, 0, 1, 0, 0, 1]


def test_every_frame_is_looked_at_when_the_period_is_one():
    detector = Counting()
    assert looks(DetectionSchedule(detector, 1), detector, *[scene(PERSON)] * 3) == [1, 1, 1]


@pytest.mark.parametrize('newcomer', [
    NEWCOMER, Box(0, 200, 12, 300), Box(615, 400, 640, 480), Box(300, 0, 330, 25)])
def test_frame_is_looked_at_when_somebody_comes(newcomer):
    detector = Counting()
    images = scene(PERSON), scene(PERSON, noise=1), scene(PERSON, newcomer, noise=2)
    assert looks(DetectionSchedule(detector, 10), detector, *images) == [1, 0, 1]


def test_frame_is_looked_at_when_a_person_steps_out_of_the_cover():
    detector = Counting()
    images = scene(PERSON), scene(PERSON.moved(60, 0))
    assert looks(DetectionSchedule(detector, 10), detector, *images) == [1, 1]


def test_frame_is_looked_at_when_the_camera_turns_or_the_size_changes():
    detector = Counting()
    smooth = np.repeat(np.repeat(GROUND[::16, ::16], 16, 0), 16, 1)
    images = smooth, np.roll(smooth, 24, axis=1), smooth[:240]
    assert looks(DetectionSchedule(detector, 10), detector, *images) == [1, 1, 1]


def test_slow_change_is_compared_with_the_last_look_and_not_with_the_last_frame():
    detector = Counting()
    images = [np.clip(scene(PERSON) + 3.0 * number, 0, 255).astype(np.uint8)
              for number in range(8)]
    assert sum(looks(DetectionSchedule(detector, 100), detector, *images)) == 2


def test_frame_after_a_failure_is_looked_at():
    detector = Counting()
    schedule = DetectionSchedule(detector, 2)
    schedule.detect(scene())
    detector.error = DetectorError('broken')
    schedule.detect(scene())
    for _ in range(2):
        with pytest.raises(DetectorError):
            schedule.detect(scene())
    detector.error = None
    assert len(schedule.detect(scene())) == 1


def test_reset_looks_at_the_next_frame_and_resets_the_detector():
    detector = Counting()
    schedule = DetectionSchedule(detector, 10)
    schedule.detect(scene())
    schedule.reset()
    assert detector.resets == 1
    assert len(schedule.detect(scene())) == 1


def taken_turns(images: list[ImageArray], period: int = 2) -> str:
    """Return who looked at each image: all views, the first, a further one, or nobody (-)."""
    whole, first, further = Counting(), Counting(), Counting()
    schedule = DetectionSchedule(whole, period, Turns(first, further))
    letters = ''
    for image in images:
        before = whole.looks, first.looks, further.looks
        schedule.detect(image)
        schedule.cover([TrackedPerson(1, PERSON, 0.9, 0)])
        after = whole.looks, first.looks, further.looks
        letters += ''.join(letter for letter, now, then in zip('wfs', after, before)
                           for _ in range(now - then)) or '-'
    return letters


def test_views_take_turns_while_nothing_new_moves():
    images = [scene(PERSON.moved(number // 2, 0), noise=number) for number in range(10)]
    assert taken_turns(images) == 'w-fsf-f-f-'
    letters = taken_turns([scene(PERSON, noise=number) for number in range(1 + 4 * FURTHER_EVERY)])
    assert letters[1:].count('s') == 2 and letters[1:].count('f') == 2 * FURTHER_EVERY


def test_all_views_look_when_somebody_comes_and_while_the_picture_changes():
    still = [scene(PERSON, noise=number) for number in range(2)]
    coming = [scene(PERSON, NEWCOMER.moved(9 * number, 0), noise=number) for number in range(4)]
    assert taken_turns(still + coming) == 'w-wwww'


def test_all_views_look_after_a_further_one_failed():
    whole, first, further = Counting(), Counting(), Counting()
    schedule = DetectionSchedule(whole, 2, Turns(first, further))
    further.error = DetectorError('broken')
    for _ in range(3):
        schedule.detect(scene())
    with pytest.raises(DetectorError):
        schedule.detect(scene())
    schedule.detect(scene())
    assert (whole.looks, first.looks, further.looks) == (2, 1, 1)


def test_frame_is_busy_when_it_was_looked_at_and_others_are_not():
    schedule = DetectionSchedule(Counting(), 2)
    busy = []
    for _ in range(4):
        schedule.detect(scene())
        busy.append(schedule.is_busy)
    assert busy == [True, False, True, False]
    every = DetectionSchedule(Counting(), 1)
    every.detect(scene())
    assert not every.is_busy


def test_reset_resets_the_turns():
    whole, first, further = Counting(), Counting(), Counting()
    DetectionSchedule(whole, 2, Turns(first, further)).reset()
    assert (whole.resets, first.resets, further.resets) == (1, 1, 1)
