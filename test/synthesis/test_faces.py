"""Rendered faces: deterministic, labelled truly, and different from person to person."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.identity_decoupling.face_size import SIDE_PX as LEARNT_SIDE_PX
from latent_rag_ros.synthesis.dataset import content_hash, render_dataset
from latent_rag_ros.synthesis.expressions import EXPRESSIONS, sample_expression
from latent_rag_ros.synthesis.face_arrays import face_arrays
from latent_rag_ros.synthesis.face_pose import FacePose, posed
from latent_rag_ros.synthesis.face_renderer import SIDE_PX, FacePicture, render_face
from latent_rag_ros.synthesis.head import Head, sample_head
from latent_rag_ros.synthesis.head_landmarks import LANDMARK_NAMES, landmark_points
from latent_rag_ros.synthesis.head_layers import BACKGROUND, CLOTHES, EYES, MOUTH, SKIN
from latent_rag_ros.synthesis.head_model import head_model
from latent_rag_ros.synthesis.seeds import stream
from latent_rag_ros.synthesis.settings import Settings
from latent_rag_ros.training.faces import load_faces

SEED = 5


def still(**changes: float) -> FacePose:
    """Return a pose that faces the camera, changed."""
    angles = {'yaw_deg': 0., 'pitch_deg': 0., 'roll_deg': 0., 'eye_yaw_deg': 0.,
              'eye_pitch_deg': 0.} | changes
    return FacePose(expression=0, actions={}, **angles)


@pytest.fixture(scope='module')
def head() -> Head:
    """Return one head."""
    return sample_head(SEED, 0)


@pytest.fixture(scope='module')
def pictures(head: Head) -> list[FacePicture]:
    """Return 12 pictures of it."""
    return [render_face(SEED, head, 0, picture) for picture in range(12)]


def point(head: Head, pose: FacePose, name: str) -> np.ndarray:
    """Return a landmark of a posed head."""
    return landmark_points(posed(head, pose))[LANDMARK_NAMES.index(name)]


def test_picture_is_the_same_when_it_is_rendered_again(pictures: list[FacePicture]) -> None:
    again = render_face(SEED, sample_head(SEED, 0), 0, 3)
    np.testing.assert_array_equal(again.image, pictures[3].image)
    np.testing.assert_array_equal(again.regions, pictures[3].regions)
    np.testing.assert_array_equal(again.landmarks, pictures[3].landmarks)


def test_pictures_have_the_size_and_types_of_the_data_set(pictures: list[FacePicture]) -> None:
    for picture in pictures:
        assert picture.image.shape == (SIDE_PX, SIDE_PX, 3) and picture.image.dtype == np.uint8
        assert picture.regions.shape == (SIDE_PX, SIDE_PX) and picture.regions.max() <= CLOTHES
        assert picture.landmarks.shape == (len(LANDMARK_NAMES), 2)
    assert len({picture.image.tobytes() for picture in pictures}) == len(pictures)


def test_face_is_in_the_picture(pictures: list[FacePicture]) -> None:
    for picture in pictures:
        assert (picture.regions == SKIN).mean() > 0.1
        assert (picture.regions == BACKGROUND).any()
        assert (picture.landmarks > 0).all() and (picture.landmarks < SIDE_PX - 1).all()


def test_landmarks_lie_where_the_regions_are(pictures: list[FacePicture]) -> None:
    """In pictures from the front the mouth is between its corners and under the nose."""
    front = [picture for picture in pictures if abs(picture.pose.yaw_deg) < 20]
    assert front
    for picture in front:
        rows, columns = np.nonzero(picture.regions == MOUTH)
        corners = picture.landmarks[3:5]
        assert np.abs(np.array([columns.mean(), rows.mean()]) - corners.mean(0)).max() < 8
        assert picture.landmarks[0, 0] < picture.landmarks[1, 0]


def test_every_head_has_a_shape_of_its_own() -> None:
    heads = np.stack([sample_head(SEED, number).rest for number in range(8)])
    face = head_model().parts['skin'].vertices
    apart = [np.linalg.norm(one - other, axis=1)[face].mean()
             for row, one in enumerate(heads) for other in heads[:row]]
    assert min(apart) > 0.001


def test_eyes_of_every_head_are_around_the_origin() -> None:
    for number in range(4):
        centres = head_model().eye_centres(sample_head(SEED, number).rest)
        np.testing.assert_allclose(centres.mean(0), 0, atol=1e-5)
        assert -0.04 < centres[0, 0] < -0.02 and 0.02 < centres[1, 0] < 0.04


@pytest.mark.parametrize(('changes', 'axis', 'sign'), [
    ({'yaw_deg': 30.0}, 0, 1), ({'yaw_deg': -30.0}, 0, -1), ({'pitch_deg': 20.0}, 2, 1),
    ({'pitch_deg': -20.0}, 2, -1)])
def test_nose_goes_where_the_head_turns(head: Head, changes: dict[str, float], axis: int,
                                        sign: int) -> None:
    moved = point(head, still(**changes), 'nose tip') - point(head, still(), 'nose tip')
    assert moved[axis] * sign > 0.01


def test_gaze_is_that_of_head_and_eyes_together() -> None:
    assert still(eye_yaw_deg=12.0).gaze_deg == pytest.approx((12, 0), abs=1e-6)
    assert still(pitch_deg=9.0).gaze_deg == pytest.approx((0, 9), abs=1e-6)
    assert still(yaw_deg=20.0, eye_yaw_deg=-20.0).gaze_deg == pytest.approx((0, 0), abs=1e-6)


def test_eyes_turn_without_the_head(head: Head) -> None:
    eyes = head_model().parts['eyes'].vertices
    ahead, aside = posed(head, still()), posed(head, still(eye_yaw_deg=20.0))
    assert np.abs(aside - ahead)[eyes].max() > 0.002
    np.testing.assert_array_equal(np.delete(aside, eyes, 0), np.delete(ahead, eyes, 0))


def test_smile_widens_the_mouth(head: Head) -> None:
    smiling = FacePose(0, 0, 0, 0, 0, 1, {'mouthSmileLeft': 1.0, 'mouthSmileRight': 1.0})
    def width(pose: FacePose) -> float:
        return float(np.linalg.norm(point(head, pose, 'left mouth corner')
                                    - point(head, pose, 'right mouth corner')))
    assert width(smiling) > 1.05 * width(still())


def test_expressions_use_actions_that_exist() -> None:
    names = frozenset(head_model().actions)
    labels = set()
    for number in range(200):
        label, strengths = sample_expression(stream(0, 'test expression', number), names)
        labels.add(label)
        assert set(strengths) <= names and min(strengths.values()) >= 0
    assert labels == set(range(len(EXPRESSIONS)))


def test_eyes_are_seen_in_faces_from_the_front(pictures: list[FacePicture]) -> None:
    open_eyes = [picture for picture in pictures if abs(picture.pose.yaw_deg) < 25
                 and not picture.pose.actions.get('eyeBlinkLeft')]
    assert np.mean([(picture.regions == EYES).sum() for picture in open_eyes]) > 15


def test_faces_of_a_data_set_do_not_change_its_crops(tmp_path: Path) -> None:
    with_faces = Settings(people=2, crops=2, frames=0, seed=SEED, cameras=3, faces=2)
    render_dataset(with_faces, tmp_path / 'both', 1)
    render_dataset(Settings(2, 2, 0, SEED, 3), tmp_path / 'crops', 1)
    faces = load_faces(tmp_path / 'both' / 'faces')
    assert faces.images.shape == (4, LEARNT_SIDE_PX, LEARNT_SIDE_PX, 3)
    assert faces.identities.tolist() == [0, 0, 1, 1]
    for path in (tmp_path / 'both' / 'faces').iterdir():
        path.unlink()
    assert content_hash(tmp_path / 'both') == content_hash(tmp_path / 'crops')
    assert 'faces' not in (tmp_path / 'crops' / 'synthesis.json').read_text(encoding='utf-8')


def test_counterparts_differ_in_nothing_but_the_head() -> None:
    arrays = face_arrays(Settings(4, 0, 0, SEED, faces=2, counterparts=2), 0, 4)
    assert arrays['identities'].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert arrays['scenes'].tolist() == [0, 1, 0, 1, 4, 5, 4, 5]
    for name in ('pose_deg', 'gaze_deg', 'expressions', 'native_px'):
        np.testing.assert_array_equal(arrays[name][:2], arrays[name][2:4])
        assert not np.array_equal(arrays[name][:2], arrays[name][4:6])
    first, second = arrays['images'][0].astype(int), arrays['images'][2].astype(int)
    surroundings = (arrays['regions'][0] == BACKGROUND) & (arrays['regions'][2] == BACKGROUND)
    assert np.abs(first - second)[surroundings].mean() < 0.2 * np.abs(first - second).mean()


def test_heads_without_counterparts_are_those_that_they_always_were() -> None:
    alone, paired = (face_arrays(Settings(2, 0, 0, SEED, faces=1, counterparts=count), 0, 2)
                     for count in (1, 2))
    assert 'scenes' not in alone
    np.testing.assert_array_equal(alone['images'][0], paired['images'][0])
    assert not np.array_equal(alone['images'][1], paired['images'][1])
