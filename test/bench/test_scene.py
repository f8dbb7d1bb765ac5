"""The frames of the benchmark: exact, repeatable, and with people whom the filter finds."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from latent_rag_ros.bench.cast import Cast, shipped_cast
from latent_rag_ros.bench.frame_times import frame_times, people_figures, stage_figures
from latent_rag_ros.bench.patience import Patience
from latent_rag_ros.bench.scene import LOOP_FRAMES, Scene, Stage
from latent_rag_ros.protection.pipeline import ProtectionPipeline

NOISE_MAX, PERSON_PX_MIN = 16, 500


@pytest.fixture(scope='module')
def cast() -> Cast:
    """Return the cast of the shipped clip."""
    return shipped_cast()


def test_cast_holds_whole_people_and_an_empty_street(cast):
    assert len(cast.actors) == 5 and cast.street.shape == (480, 640, 3)
    for walk in cast.actors:
        for cut_out in walk:
            assert cut_out.image.shape[:2] == cut_out.mask.shape
            assert set(np.unique(cut_out.mask)) == {0, 255}
            for edge in (cut_out.mask[0], cut_out.mask[-1], cut_out.mask[:, 0]):
                assert edge.any()  # cut out tightly


@pytest.mark.parametrize('people', [0, 1, 5, 10])
def test_frame_shows_exactly_as_many_people_as_asked_for(cast, people):
    empty = Stage(Scene(640, 480, 0), cast).frame(4).astype(np.int16)
    frame = Stage(Scene(640, 480, people), cast).frame(4).astype(np.int16)
    differs = (np.abs(frame - empty).max(2) > NOISE_MAX).astype(np.uint8)
    closed = cv2.morphologyEx(differs, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    sizes = cv2.connectedComponentsWithStats(closed)[2][1:, cv2.CC_STAT_AREA]
    assert np.count_nonzero(sizes > PERSON_PX_MIN) == people


def test_frames_are_the_same_every_time_and_all_differ(cast):
    scene = Scene(1280, 720, 3)
    frames = [Stage(scene, cast).frame(number) for number in (0, 1, 2)]
    assert frames[0].shape == (720, 1280, 3) and frames[0].dtype == np.uint8
    np.testing.assert_array_equal(Stage(scene, cast).frame(1), frames[1])
    assert (frames[0] != frames[1]).mean() > 0.3 < (frames[1] != frames[2]).mean()


def test_loop_ends_where_it_began(cast):
    stage = Stage(Scene(640, 480, 5), cast)
    np.testing.assert_array_equal(stage.frame(0), stage.frame(LOOP_FRAMES))


def test_scene_refuses_more_people_than_it_has_places():
    with pytest.raises(ValueError, match='people is 11; give 0 .. 10'):
        Scene(640, 480, 11)


def test_filter_finds_the_people_and_its_stages_are_measured(cast):
    pipeline = ProtectionPipeline.from_values({
        'protection.coverage': 'fast', 'protection.method': 'solid', 'guard.deadline_s': 60.0})
    stage = Stage(Scene(640, 480, 5), cast)
    times = frame_times(pipeline, stage, Patience(2, 2, 0.0), first_seen=False)
    figures = stage_figures(times)
    assert len(times) == figures['frame_ms']['count'] == 2
    assert figures['identities_per_frame'] >= 4 and figures['synthetic_per_frame'] == 0
    assert set(figures['stages_ms']) >= {'detect', 'track', 'mask', 'erase', 'embed', 'composite'}
    for taken in times:
        assert 0 < taken.replacement_ms < sum(taken.stages_ms.values()) <= taken.total_ms
    assert people_figures(times)['people_per_frame'] >= 5
