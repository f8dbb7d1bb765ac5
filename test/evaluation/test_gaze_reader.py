"""The gaze reader: directions that mean the same everywhere, and a network that learns to read."""
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.face_sets import FaceLook, FaceSet
from latent_rag_ros.evaluation.gaze_crop import EYE_COLUMNS, EYE_ROWS, gaze_crop
from latent_rag_ros.evaluation.gaze_geometry import (
    gaze_angles_deg, gaze_directions, mean_direction, turned_in_picture)
from latent_rag_ros.evaluation.gaze_instrument import gaze_instrument
from latent_rag_ros.evaluation.gaze_reader import GazeNetwork, GazeReader
from latent_rag_ros.evaluation.gaze_samples import gaze_samples
from latent_rag_ros.evaluation.gaze_scores import (
    EXPECTED_DEG_MAX, FITTED_FACES_MIN, gaze_figures, readable_gaze)
from latent_rag_ros.evaluation.gaze_training import GazeSettings, train_gaze_network
from latent_rag_ros.evaluation.head_pose import POINTS, _average_head
from latent_rag_ros.perception.center_face import Face
from latent_rag_ros.protection.types import Box
from latent_rag_ros.synthesis.face_pose import FacePose

SIDE_PX = 128
LANDMARKS = np.float32([[48, 60], [80, 60], [64, 78], [51, 96], [77, 96]])
TINY = GazeSettings(variants=1, iterations=3, batch=8, bfloat16=False)


def drawn_face(gaze_deg: tuple[float, float], seed: int) -> FaceLook:
    """Return a drawn face with eyes that look somewhere; skin and background vary."""
    random = np.random.default_rng(seed)
    image = np.full((SIDE_PX, SIDE_PX, 3), random.integers(60, 120), np.uint8)
    cv2.ellipse(image, (64, 74), (38, 50), 0, 0, 360, (int(random.integers(130, 190)),) * 3, -1)
    right, down = 8 * np.sin(np.radians(gaze_deg)) * (1, -1)
    for x, y in LANDMARKS[:2]:
        cv2.ellipse(image, (int(x), int(y)), (9, 6), 0, 0, 360, (240, 240, 240), -1)
        cv2.circle(image, (round(16 * (x + right)), round(16 * (y + down))), 16 * 3, (20, 20, 20),
                   -1, cv2.LINE_AA, 4)
    cv2.circle(image, (64, 78), 4, (100, 100, 100), -1)
    cv2.line(image, (51, 96), (77, 96), (90, 60, 60), 3)
    face = Face(Box(32, 40, 96, 112), 0.9, LANDMARKS)
    return FaceLook(image, face, seed % 5, (0.0, 0.0, 0.0), gaze_deg)


def drawn_faces(count: int, first: int = 0) -> list[FaceLook]:
    """Return drawn faces that look everywhere."""
    angles = np.random.default_rng(first).uniform((-35, -20), (35, 20), (count, 2))
    return [drawn_face(tuple(gaze), first + row) for row, gaze in enumerate(angles.tolist())]


@pytest.mark.parametrize('angles', [(0, 0), (25, 0), (0, -15), (-40, 12)])
def test_direction_is_that_of_the_head_model_as_the_camera_sees_it(
        angles: tuple[float, float]) -> None:
    pose = FacePose(angles[0], angles[1], 30.0, 0.0, 0.0, 0, {})
    right, away, up = pose.turn @ np.array([0, -1, 0])
    assert gaze_directions(angles)[0] == pytest.approx((right, -up, -away), abs=1e-6)
    assert gaze_directions(pose.gaze_deg)[0] == pytest.approx((right, -up, -away), abs=1e-6)


def test_angles_between_directions_are_exact() -> None:
    ahead, aside = gaze_directions([(0, 0), (30, 0)])
    assert gaze_angles_deg(ahead[None], aside[None])[0] == pytest.approx(30)
    assert np.isnan(gaze_angles_deg(ahead, [np.nan] * 3))
    assert mean_direction(np.stack([ahead, aside])) == pytest.approx(
        gaze_directions((15, 0))[0])


@pytest.mark.parametrize(('turn_deg', 'scale'), [(25, 1), (-40, 3), (0, 0.6)])
def test_crop_is_the_same_however_the_picture_is_turned_and_scaled(
        turn_deg: float, scale: float) -> None:
    look = drawn_face((20.0, 10.0), 1)
    transform = cv2.getRotationMatrix2D((64, 78), turn_deg, scale)
    transform[:, 2] += (64 * scale, 64 * scale)
    size = round(2.5 * SIDE_PX * max(1, scale))
    image = cv2.warpAffine(look.image, transform, (size, size), borderMode=cv2.BORDER_REPLICATE)
    landmarks = (LANDMARKS @ transform[:, :2].T + transform[:, 2]).astype(np.float32)
    upright, turned = gaze_crop(look.image, LANDMARKS), gaze_crop(image, landmarks)
    eyes = EYE_ROWS, slice(EYE_COLUMNS[0].start, EYE_COLUMNS[1].stop)
    difference = np.abs(upright.pixels[eyes].astype(float) - turned.pixels[eyes])
    assert difference.mean() < 8 and upright.pixels[eyes].std() > 30
    direction = turned_in_picture((1.0, 0.0, 0.0), turned.turn / upright.turn)
    # OpenCV turns anticlockwise, so the crop turns back clockwise: right becomes down
    expected = (np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg)), 0)
    assert direction == pytest.approx(expected, abs=1e-3)


def test_landmarks_in_one_point_are_refused() -> None:
    with pytest.raises(ValueError, match='show no face'):
        gaze_crop(drawn_face((0.0, 0.0), 0).image, np.ones((5, 2), np.float32))


def test_mirrored_sample_looks_to_the_other_side() -> None:
    samples = gaze_samples(drawn_faces(4), 2, np.random.default_rng(0))
    assert samples.faces.shape == (8, 112, 112) and samples.directions.shape == (8, 2, 3)
    rows = np.zeros(64, np.int64)
    faces, directions = samples.batch(rows, np.random.default_rng(0))
    sides = directions[:, 0, 0] / samples.directions[0, 0, 0]
    assert 0 <= faces.min() and faces.max() <= 1
    assert set(sides.sign().tolist()) == {-1, 1} and sides.abs().allclose(sides.new_ones(1))
    # the face is not symmetric: its gaze is to one side
    means = [faces[sides == side].mean(0)[0, EYE_ROWS, EYE_COLUMNS[0]] for side in (-1, 1)]
    assert (means[0] - means[1]).abs().mean() > 0.01


def test_reader_learns_and_beats_the_mean_on_faces_it_has_not_seen() -> None:
    settings = GazeSettings(variants=1, iterations=70, batch=32, average_decay=0.9,
                            bfloat16=False)
    reader = GazeReader(train_gaze_network(drawn_faces(150), settings))
    looks = drawn_faces(40, first=1000)
    truth = gaze_directions([look.gaze_deg for look in looks])
    read = np.stack([reader.read(look.image, look.found.landmarks) for look in looks])
    error = gaze_angles_deg(truth, read[:, :3]).mean()
    chance = gaze_angles_deg(truth, mean_direction(truth)).mean()
    assert error < chance / 2
    assert np.linalg.norm(read[:, :3], axis=1) == pytest.approx(1, abs=1e-4)
    assert (read[:, 3] > 0).all() and read[:, 3].mean() < chance


def test_training_is_the_same_every_time_and_another_with_another_seed() -> None:
    looks = drawn_faces(8)

    def weights(seed: int) -> np.ndarray:
        """Return all weights after a few iterations."""
        network = train_gaze_network(looks, replace(TINY, seed=seed))
        return np.concatenate([value.numpy().ravel() for value in network.state_dict().values()])

    first = weights(1)
    assert (first == weights(1)).all() and (first != weights(2)).any()


def test_network_is_small() -> None:
    assert sum(values.numel() for values in GazeNetwork().parameters()) < 300_000


def test_trained_reader_is_found_again_under_the_same_settings(tmp_path: Path) -> None:
    (tmp_path / 'faces_0.npz').write_bytes(b'any faces')
    calls = []

    def faces(folder: Path) -> FaceSet:
        """Return drawn faces and count."""
        calls.append(folder)
        return FaceSet('drawn', tuple(drawn_faces(8)), is_rendered=True)

    def digest(settings: GazeSettings = TINY) -> str:
        """Return the hash of the weights."""
        return gaze_instrument(tmp_path, faces, 'detector', tmp_path / 'cache', settings).digest

    first = digest()
    assert digest() == first and len(calls) == 1
    assert digest(replace(TINY, seed=2)) != first and len(calls) == 2
    (tmp_path / 'faces_0.npz').write_bytes(b'other faces')
    assert digest() == first and len(calls) == 3


def test_faces_without_a_gaze_are_refused(tmp_path: Path) -> None:
    looks = tuple(replace(look, gaze_deg=()) for look in drawn_faces(4))
    with pytest.raises(EvaluationError, match='without gaze_deg'):
        gaze_instrument(tmp_path, lambda folder: FaceSet('drawn', looks), 'detector', None, TINY)


def measured(angles: list[tuple[float, float]], expected_deg: float = 3.0) -> dict:
    """Return what a reader says of faces, and 68 landmarks of heads that face the camera."""
    points = np.zeros((len(angles), 68, 2), np.float32)
    head = _average_head() + [0, 0, 2.0]
    points[:, list(POINTS.values())] = 600 * head[:, :2] / head[:, 2:] + 100
    gaze = np.concatenate([gaze_directions(angles), np.full((len(angles), 1), expected_deg)], 1)
    return {'points': points, 'gaze': gaze.astype(np.float32)}


def test_figures_are_the_mean_angles_from_the_original_and_from_the_truth() -> None:
    original = measured([(10, 0), (-10, 0)]) | {
        'gaze_label': gaze_directions([(12, 0), (-12, 0)]), 'pose_label': np.zeros((2, 3))}
    shown = measured([(16, 0), (-10, 0)])
    assert readable_gaze(original).all()
    found = gaze_figures(original, shown, np.array([0, 1]), np.array([True, True]))
    assert found['gaze_deg'] == pytest.approx(3, abs=1e-3)
    assert found['gaze']['label_deg'] == pytest.approx(3, abs=1e-3)
    assert found['gaze']['label_floor_deg'] == pytest.approx(2, abs=1e-3)
    assert found['gaze']['chance_deg'] == pytest.approx(10, abs=1e-3)
    assert found['gaze']['label_chance_deg'] == pytest.approx(12, abs=1e-3)
    assert found['gaze']['measurable_share'] == 1


@pytest.mark.parametrize(('yaw_deg', 'error_deg'), [(0, 12), (20, 0)])
def test_pose_alone_tells_the_mean_gaze_or_more(yaw_deg: float, error_deg: float) -> None:
    faces, sides = FITTED_FACES_MIN, np.resize([1, -1], FITTED_FACES_MIN)
    read = measured([(10 * side, 0) for side in sides])
    original = read | {'gaze_label': gaze_directions([(12 * side, 0) for side in sides]),
                       'pose_label': np.outer(sides, (yaw_deg, 0, 0)).astype(float)}
    found = gaze_figures(original, read, np.arange(faces), np.ones(faces, bool))
    assert found['gaze']['label_pose_deg'] == pytest.approx(error_deg, abs=1e-3)
    few = gaze_figures(original, read, np.arange(faces), np.arange(faces) > 0)
    assert 'label_pose_deg' not in few['gaze'] and few['gaze']['label_deg'] > 0


def test_photographs_have_no_truth_to_compare_with() -> None:
    original = measured([(10, 0)]) | {'gaze_label': np.full((1, 3), np.nan)}
    found = gaze_figures(original, measured([(15, 0)]), np.array([0]), np.array([True]))
    assert found['gaze_deg'] == pytest.approx(5, abs=1e-3) and 'label_deg' not in found['gaze']


def test_gaze_is_read_where_the_reader_is_sure_only() -> None:
    assert not readable_gaze(measured([(0, 0)], EXPECTED_DEG_MAX + 1)).any()
    assert not readable_gaze(measured([(0, 0)], np.nan)).any()
    unread = measured([(0, 0)]) | {'gaze_label': np.full((1, 3), np.nan)}
    assert gaze_figures(unread, unread, np.array([0]), np.array([False])) == {
        'gaze_deg': None, 'gaze': {'measurable_share': 0.0}}
