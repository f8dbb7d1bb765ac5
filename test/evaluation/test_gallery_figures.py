"""The figures of the gallery: right answers score 1, each kind of error shows where it should."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from latent_rag_ros.evaluation.gallery_figures import throughput
from latent_rag_ros.evaluation.gallery_visits import Visit, identified, scores, visits_of
from latent_rag_ros.evaluation.ranking import Labels

Scenes = list[list[Visit]]


@pytest.fixture
def labels() -> Labels:
    """Return 20 people in 4 cameras, 3 crops in each."""
    return Labels(np.repeat(np.arange(1, 21), 12), np.tile(np.repeat(np.arange(4), 3), 20))


@pytest.fixture
def scenes(labels: Labels) -> Scenes:
    """Return their visits of 5 frames."""
    return visits_of(labels, 5, seed=0)


def test_scenes_show_every_person_in_every_camera_once(labels: Labels, scenes: Scenes) -> None:
    """One camera per scene, nobody twice, crops of the right person and camera."""
    visits = [visit for scene in scenes for visit in scene]
    assert sorted((visit.person, visit.camera) for visit in visits) == [
        (person, camera) for person in range(1, 21) for camera in range(4)]
    for scene in scenes:
        assert len({visit.camera for visit in scene}) == 1
        assert len({visit.person for visit in scene}) == len(scene)
    for visit in visits:
        assert (labels.identities[visit.rows] == visit.person).all() and len(visit.rows) == 5
        assert (labels.cameras[visit.rows] == visit.camera).all()


def test_scores_are_perfect_when_answers_are(labels: Labels, scenes: Scenes) -> None:
    """Identities may have any numbers, as long as they are one to one."""
    def identify(camera: str, stamp_ns: int, tracks: Sequence[int],
                 rows: np.ndarray) -> list[int]:
        assert len(tracks) == len(rows) and stamp_ns > 0 and camera
        return (100 - labels.identities[rows]).tolist()
    found = scores(scenes, identified(scenes, identify))
    assert (found['idf1'], found['returning_rank1']) == (1, 1)
    assert (found['id_switches'], found['false_accept_rate'], found['false_merges']) == (0, 0, 0)
    assert (found['visits'], found['returning_visits']) == (80, 60)


def test_every_kind_of_error_shows(labels: Labels, scenes: Scenes) -> None:
    """One identity for all, a new one for every visit, a change within a visit, and nobody."""
    everybody = [[[1] * 5 for _ in scene] for scene in scenes]
    found = scores(scenes, everybody)
    assert found['idf1'] == pytest.approx(2 * 20 / 800) and found['false_merges'] == 1
    assert found['false_accept_rate'] > 0.7
    numbers = iter(range(1, 1000))
    apart = scores(scenes, [[[next(numbers)] * 5 for _ in scene] for scene in scenes])
    assert apart['idf1'] == pytest.approx(0.25) and apart['returning_rank1'] == 0
    assert apart['false_accept_rate'] == apart['false_merges'] == 0
    changing = scores(scenes, [[[visit.person] * 2 + [visit.person + 50] * 3 for visit in scene]
                               for scene in scenes])
    assert changing['id_switches'] == 80 and changing['idf1'] == pytest.approx(0.6)
    nobody = scores(scenes, [[[0] * 5 for _ in scene] for scene in scenes])
    assert nobody['idf1'] == nobody['returning_rank1'] == 0


def test_throughput_is_that_of_the_queries() -> None:
    """Speed and quantiles belong together."""
    found = throughput(identities=20)
    assert found['features'] == 200 and 0 < found['p50_ms'] <= found['p99_ms']
    assert found['queries_per_s'] > 0
