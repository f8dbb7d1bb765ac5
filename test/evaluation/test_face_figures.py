"""The face evaluation: measures that are exact on made-up faces, and a whole run, tiny."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.face_attribute_networks import (
    FILES, OUTPUTS, FaceAttributeNetwork, load_attribute_network)
from latent_rag_ros.evaluation.face_figures import FaceEvaluation, FaceOptions
from latent_rag_ros.evaluation.face_meter import FaceMeter, unmeasured
from latent_rag_ros.evaluation.face_methods import BASELINES, changed_region, method_of
from latent_rag_ros.evaluation.face_page import face_page
from latent_rag_ros.evaluation.face_scores import measurable, rank1_hits
from latent_rag_ros.evaluation.face_sets import (
    FaceLook, FaceSet, rendered_faces, thinned)
from latent_rag_ros.evaluation.face_table import (
    all_tables, faces_table, gaze_line, targets_table)
from latent_rag_ros.evaluation.face_targets import targets
from latent_rag_ros.evaluation.gaze_instrument import GazeInstrument
from latent_rag_ros.evaluation.gaze_reader import GazeNetwork, GazeReader
from latent_rag_ros.evaluation.head_pose import (
    FOCAL_PER_SIZE, POINTS, _average_head, angle_deg, head_rotation, yaw_deg)
from latent_rag_ros.identity_decoupling.face_folders import ORACLES, THRESHOLDS
from latent_rag_ros.identity_decoupling.face_square import cut, face_square
from latent_rag_ros.identity_decoupling.head_blend import head_core
from latent_rag_ros.identity_decoupling.information_bracket import InformationSettings
from latent_rag_ros.identity_decoupling.oracles.calibration import Threshold, save_thresholds
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS
from latent_rag_ros.identity_decoupling.oracles.oracle import oracle_file_name
from latent_rag_ros.perception.center_face import Face
from latent_rag_ros.protection.types import Box
from latent_rag_ros.synthesis.landmark_warp import with_landmarks
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.weights.registry import WeightsError, register
from latent_rag_ros.weights.tensors import save_tensors

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import face_picture, landmarks_at, write_random_faces  # noqa: E402

FACE = Face(Box(40, 30, 90, 90), 0.9, landmarks_at(40, 30, 50))


class OneFace:
    """Finds the same face in every picture."""

    def detect(self, image: np.ndarray) -> list[Face]:
        """Return the face."""
        return [FACE]


class MiddleFace:
    """Finds a face in the middle third of every picture."""

    def detect(self, image: np.ndarray) -> list[Face]:
        """Return the face."""
        third = image.shape[0] // 3
        return [Face(Box(third, third, 2 * third, 2 * third), 0.9,
                     landmarks_at(third, third, third))]


def faces_of(count: int, is_rendered: bool = True) -> FaceSet:
    """Return pictures of two people."""
    looks = tuple(FaceLook(face_picture(number, 120, 128), FACE, number % 2)
                  for number in range(count))
    return FaceSet('rendered' if is_rendered else 'photographs', looks, count, is_rendered)


@pytest.fixture(scope='module')
def networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with random weights of everything."""
    folder = write_random_faces(tmp_path_factory.mktemp('networks'))
    for name in set(FORMATS) - set(ORACLES):
        _save(folder / oracle_file_name(name), FORMATS[name].build())
    for kind, file_name in FILES.items():
        _save(folder / file_name, FaceAttributeNetwork(OUTPUTS[kind]))
    save_thresholds(folder / THRESHOLDS, {name: Threshold(1.0, 1000, 5) for name in FORMATS})
    return folder


def _save(path: Path, network: torch.nn.Module) -> None:
    save_tensors(path, network.state_dict(), {})
    register(path)


def test_most_alike_original_counts_when_it_is_the_same_person() -> None:
    originals = np.eye(4, dtype=np.float32)
    people = np.array([0, 0, 1, 1])
    probes = originals[[0, 2, 2, 3]]
    assert rank1_hits(originals, probes, people).tolist() == [1, 0, 1, 1]
    # without its own picture, each of these probes is as far from all: the first one is taken
    assert rank1_hits(originals, originals, people, own_picture=False).tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize('turn', [(0, 0, 0), (0, 30, 0), (15, -40, 10)])
def test_pose_is_found_of_a_projected_head(turn: tuple[float, float, float]) -> None:
    rotation = cv2.Rodrigues(np.radians(turn))[0]
    points = _average_head() @ rotation.T + [0, 0, 2.0]
    landmarks = np.zeros((68, 2), np.float32)
    for number, point in zip(POINTS.values(), points):
        landmarks[number] = 600 * point[:2] / point[2] + 100
    found = head_rotation(landmarks)
    # the focal length is guessed, so the pose is not exact
    assert angle_deg(found, rotation) < 5 and FOCAL_PER_SIZE > 1
    assert yaw_deg(found) == pytest.approx(-turn[1], abs=5)


def test_pose_of_no_landmarks_is_not_a_number() -> None:
    assert np.isnan(head_rotation(np.full((68, 2), np.nan))).all()
    assert np.isnan(head_rotation(np.zeros((68, 2)))).all()


def test_landmarks_count_only_where_two_networks_agree() -> None:
    points = np.random.default_rng(0).uniform(0, 100, (2, 68, 2)).astype(np.float32)
    pairs = [(36, 39), (42, 45), (30, 30), (48, 48), (54, 54)]
    five = np.stack([points[:, list(pair)].mean(1) for pair in pairs], 1)
    five[1] += 300
    assert measurable({'points': points, 'five': five}).tolist() == [True, False]


@pytest.mark.parametrize('name', BASELINES)
def test_baseline_changes_the_face_and_nothing_else(name: str, tmp_path: Path) -> None:
    faces = faces_of(4)
    look = faces.looks[1]
    shown = method_of(name, faces, tmp_path, tmp_path, 'cpu')(1).image
    region = changed_region(look.image, face_square(FACE.landmarks))
    assert (shown[~region] == look.image[~region]).all() and (shown != look.image).any()
    if name == 'solid':
        square = face_square(FACE.landmarks)
        rows, columns = np.nonzero(head_core(square.width_px))
        inside = (rows + square.top < 120) & (columns + square.left < 128) & (
            rows + square.top >= 0) & (columns + square.left >= 0)
        core = shown[rows[inside] + square.top, columns[inside] + square.left]
        assert len(core) > 1000 and (core == 128).all()


def test_fewer_faces_are_spread_over_the_set() -> None:
    faces = faces_of(7)
    assert [look.image is faces.looks[row].image for look, row in zip(
        thinned(faces, 4).looks, (0, 1, 5, 6))] == [True] * 4
    assert thinned(faces, None) is thinned(faces, 9) is faces


def test_faces_of_one_person_are_refused() -> None:
    looks = faces_of(4).looks
    with pytest.raises(EvaluationError, match='at least two'):
        FaceSet('few', looks[::2])


def test_rendered_faces_are_those_that_are_found_at_their_labels(tmp_path: Path) -> None:
    landmarks = np.stack([FACE.landmarks, FACE.landmarks + 1, FACE.landmarks + 60])
    np.savez(tmp_path / 'faces_0.npz', images=np.zeros((3, 128, 128, 3), np.uint8),
             landmarks=landmarks, identities=np.array([7, 8, 9]), pose_deg=np.zeros((3, 3)),
             gaze_deg=np.array([(0, 0), (90, 0), (0, 90)]))
    faces = rendered_faces(tmp_path, OneFace())
    assert faces.pictures == 3 and faces.identities.tolist() == [7, 8]
    assert faces.gazes == pytest.approx(np.array([(0, 0, 1), (1, 0, 0)]))
    assert np.isnan(faces_of(2).gazes).all()
    with pytest.raises(EvaluationError, match='latent-rag synthesize'):
        rendered_faces(tmp_path / 'nothing', OneFace())


def test_counterpart_is_the_next_head_of_the_scene_in_the_shape_of_the_face(
        tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = np.repeat(random.integers(0, 255, (4, 16, 16, 3), np.uint8), 8, 1).repeat(8, 2)
    landmarks = FACE.landmarks + random.uniform(-1, 1, (4, 5, 2)).astype(np.float32)
    np.savez(tmp_path / 'faces_0.npz', images=images, landmarks=landmarks,
             identities=np.arange(4), pose_deg=np.zeros((4, 3)), gaze_deg=np.zeros((4, 2)),
             scenes=np.array([5, 6, 5, 7]))
    looks = rendered_faces(tmp_path, OneFace()).looks
    assert [len(look.counterparts) for look in looks] == [2, 0, 2, 0]
    for row, other in ((0, 2), (2, 0)):
        np.testing.assert_array_equal(looks[row].counterparts[0], images[other])
        np.testing.assert_array_equal(looks[row].counterparts[1], with_landmarks(
            images[other], landmarks[other], landmarks[row]))
    assert not FaceSet('some', looks).has_counterparts
    both = FaceSet('both', (looks[0], looks[2]))
    assert both.has_counterparts
    shown = method_of('other_head', both, tmp_path, tmp_path, 'cpu')(0).image
    square = face_square(looks[0].found.landmarks)
    core = head_core(square.width_px)
    np.testing.assert_array_equal(cut(shown, square)[core], cut(images[2], square)[core])


def test_missing_attribute_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=FILES['landmarks']):
        load_attribute_network('landmarks', tmp_path)


def test_whole_run_has_every_figure_and_goes_on_from_its_cache(
        networks: Path, tmp_path: Path) -> None:
    options = FaceOptions(networks, networks, ('lcm_1', 'solid'), cache=tmp_path,
                          information=InformationSettings(iterations=2, resamples=3))
    faces = faces_of(16)
    meter = FaceMeter(networks, MiddleFace(), gaze=GazeInstrument(GazeReader(GazeNetwork()), '0'))
    evaluation = FaceEvaluation((faces,), meter, options)
    results = json.loads(json.dumps(evaluation.run(), allow_nan=False))
    assert set(results['oracles']) == set(FORMATS) and results['outside_identical']
    assert {'below_threshold', 'mean_cosine'} <= set(results['oracles']['dlib'])
    assert {'below_threshold', 'rank1', 'rank1_chance'} <= set(results['held_out'])
    assert {'sampler', 'mine', 'club', 'sampler_ci95', 'mine_ci95', 'club_ci95'} <= set(
        results['leak_bits'])
    assert results['ms']['lcm'] > 0 and results['ms']['teacher'] is None
    assert set(results['sets']['rendered']['methods']) == {
        'jpeg', 'resampled', 'lcm_1', 'solid'}
    assert len(results['targets']) == 10 and 'solid' in all_tables(results)
    assert results['about']['gaze_reader'] == '0'
    page = face_page(results, evaluation.pictures)
    assert page.count('data:image/jpeg') == 1 and '</html>' in page
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.npz')}
    again = FaceEvaluation((faces,), meter, options).run()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.npz')} == files
    assert again['sets'] == results['sets']


def test_nothing_is_read_where_nothing_is_shown(networks: Path) -> None:
    look = faces_of(2).looks[0]
    reader = GazeReader(GazeNetwork())
    measured = FaceMeter(networks, MiddleFace(), gaze=GazeInstrument(reader, '0')).measured(
        look.image, look)
    assert (measured['gaze'] == reader.read(look.image, look.found.landmarks)).all()
    assert np.isfinite(measured['gaze']).all() and np.isnan(unmeasured(measured)['gaze']).all()
    without = FaceMeter(networks, MiddleFace()).measured(look.image, look)
    assert without['gaze'].shape == (4,) and np.isnan(without['gaze']).all()


def test_gaze_has_columns_a_sentence_and_no_target() -> None:
    attributes = {'pose_deg': 1.0, 'gaze_deg': 4.0, 'gaze': {
        'measurable_share': 0.75, 'median_deg': 3.0, 'chance_deg': 20.0, 'label_deg': 9.0,
        'label_floor_deg': 8.0, 'label_chance_deg': 21.0, 'label_pose_deg': 15.0}}
    one = {'faces': 8, 'people': 4, 'methods': {'jpeg': {
        'faces': 8, 'shown_share': 1.0, 'attributes': attributes,
        'oracles': {name: {'below_threshold': 0.0, 'held_out': held_out} for name, held_out in (
            ('dlib', False), ('faceres', False), ('mobileface', True), ('faceres_deep', True))},
        'held_out': {'below_threshold': 0.0, 'rank1': 1.0, 'rank1_chance': 0.25}}}}
    assert '| 4.0° | 9.0° |' in faces_table(one)
    assert '75.0 %' in gaze_line(one) and 'wrong by 8.0° in originals' in gaze_line(one)
    results = {'sets': {'rendered': one}, 'setting': 'jpeg', 'outside_identical': True,
               'ms': {'lcm': None}}
    rows = {row['name']: row for row in targets(results)}
    assert rows['gaze [deg]'] == {'name': 'gaze [deg]', 'target': None, 'is': 'max', 'value': 4.0,
                                  'met': None}
    assert rows['head pose [deg]']['met'] is True and rows['LCM [ms per face]']['met'] is False
    assert '| gaze [deg] | – | 4 | – |' in targets_table({'targets': list(rows.values())})


def test_photographs_leave_no_picture(networks: Path, tmp_path: Path) -> None:
    faces = faces_of(2, is_rendered=False)
    evaluation = FaceEvaluation((faces,), FaceMeter(networks, MiddleFace()), FaceOptions(
        networks, networks, ('solid',), cache=tmp_path))
    evaluation._set(faces)
    assert evaluation.pictures == {}
    for path in tmp_path.rglob('*.npz'):
        with np.load(path) as stored:
            assert stored['pictures'].size == 0


def test_unknown_method_is_refused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(['evaluate', 'faces', '--networks', str(tmp_path), '--method', 'magic']) == 1
    assert 'magic is unknown' in caplog.text
