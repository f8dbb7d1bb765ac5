"""Features are measured when they are due, and stand for no other frame."""
from __future__ import annotations

import time

import numpy as np

from latent_rag_ros.protection.recognition import FIRST_MEASUREMENTS
from latent_rag_ros.protection.types import Box, Frame

PERSONS = [Box(40, 30, 90, 200), Box(200, 60, 250, 239)]


def measured(pipeline, images) -> list[list[int]]:
    """Return who has a feature in each frame."""
    frames = [pipeline.protect(Frame(image, time.monotonic() + 60.0)) for image in images]
    return [[person.track_id for person in frame.persons if person.feature is not None]
            for frame in frames]


def test_feature_is_measured_in_the_first_frames_and_then_now_and_again(make_pipeline, frame):
    pipeline = make_pipeline(PERSONS, identity__every_frames=4)
    found = measured(pipeline, [frame.image] * 16)
    assert found[:FIRST_MEASUREMENTS + 1] == [[1, 2]] * (FIRST_MEASUREMENTS + 1)
    later = found[FIRST_MEASUREMENTS + 1:]
    assert all(len(tracks) <= 1 for tracks in later[4:])
    for track in (1, 2):
        frames = [number for number, tracks in enumerate(found) if track in tracks]
        assert max(after - before for before, after in zip(frames, frames[1:])) <= 4
    assert any(not tracks for tracks in later)


def test_feature_is_measured_in_every_frame_when_asked_for_and_as_published(make_pipeline, frame):
    for given in ({'identity__every_frames': 1}, {'latent_rag__preset': 'paper'}):
        assert measured(make_pipeline(PERSONS, **given), [frame.image] * 9) == [[1, 2]] * 9


def test_feature_is_measured_when_somebody_else_takes_the_track(make_pipeline, frame):
    pipeline = make_pipeline(PERSONS[:1], identity__every_frames=100)
    dark, bright = np.full_like(frame.image, 40), np.full_like(frame.image, 160)
    found = measured(pipeline, [dark] * 10 + [bright] * 2)
    assert found[5:10] == [[]] * 5
    assert found[10] == [1]


def test_whoever_got_no_good_patch_is_measured_again(make_pipeline, method, frame):
    pipeline = make_pipeline(PERSONS[:1], method, identity__every_frames=100)
    images = [frame.image] * 10
    assert measured(pipeline, images)[5:] == [[]] * 5
    pipeline.reset()
    method._replacer.synthesise = lambda codes: (_ for _ in ()).throw(RuntimeError('lost'))
    assert all(len(tracks) == 1 for tracks in measured(pipeline, images))


def test_same_frames_give_the_same_result_after_a_reset(make_pipeline, method, frame):
    pipeline = make_pipeline(PERSONS, method, protection__patch_frames=3, identity__every_frames=2)
    random = np.random.default_rng(3)
    images = [random.integers(0, 256, frame.image.shape, np.uint8) for _ in range(8)]

    def shown() -> list[np.ndarray]:
        return [pipeline.protect(Frame(image, time.monotonic() + 60.0)).image
                for image in images]

    first = shown()
    pipeline.reset()
    assert all(np.array_equal(before, after) for before, after in zip(first, shown()))
