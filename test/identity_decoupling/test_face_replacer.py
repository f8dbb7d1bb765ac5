"""One face at a time: who it becomes, what may be shown of it, and when nothing may."""
from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from latent_rag_ros.identity_decoupling.face_folders import (
    GALLERY, ORACLES, THRESHOLDS, FaceSettings, load_face_replacer, weights_id)
from latent_rag_ros.identity_decoupling.face_replacer import FaceOutcome, FaceReplacer
from latent_rag_ros.identity_decoupling.face_square import cut, face_square, points_in
from latent_rag_ros.identity_decoupling.gallery import IdentityGallery, save_gallery
from latent_rag_ros.identity_decoupling.head_blend import blended, head_core, head_opacity
from latent_rag_ros.identity_decoupling.oracles.calibration import Threshold, save_thresholds
from latent_rag_ros.protection.types import Box
from latent_rag_ros.weights.registry import WeightsError, register

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import face_picture, landmarks_at, write_random_faces  # noqa: E402

KEY = b'a key that is only for tests'
LANDMARKS = landmarks_at(60, 50, 50)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of random face networks whose oracles know nobody."""
    return write_random_faces(tmp_path_factory.mktemp('faces'))


def calibrate(folder: Path, cosines: Sequence[float]) -> None:
    """Write the thresholds of the oracles."""
    save_thresholds(folder / THRESHOLDS, {name: Threshold(cosine, 1000, 5)
                                          for name, cosine in zip(ORACLES, cosines)})


@pytest.fixture
def own_folder(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder that a test may change."""
    return shutil.copytree(folder, tmp_path / 'faces')


@pytest.fixture(scope='module')
def replacer(folder: Path) -> FaceReplacer:
    """Return what they make, with one step of the student."""
    return load_face_replacer(folder, folder, FaceSettings(steps=1), key=KEY)


@pytest.fixture
def own_replacer(folder: Path) -> FaceReplacer:
    """Return the same to be broken."""
    return load_face_replacer(folder, folder, FaceSettings(steps=1), key=KEY)


def test_square_moves_and_grows_with_the_face() -> None:
    square = face_square(LANDMARKS)
    assert square.width_px == square.height_px
    assert face_square(LANDMARKS + 10) == square.moved(10, 10)
    assert face_square(2 * LANDMARKS).width_px == pytest.approx(2 * square.width_px, abs=1)
    inner = points_in(LANDMARKS, square, square.width_px)
    np.testing.assert_allclose(inner, LANDMARKS - (square.left, square.top), atol=1e-4)
    assert (np.abs(inner - square.width_px / 2) < 0.3 * square.width_px).all()


@pytest.mark.parametrize('landmarks', [np.zeros((5, 2)), np.full((5, 2), np.nan),
                                       np.zeros((4, 2)), LANDMARKS * 1e6])
def test_landmarks_that_show_no_face_are_refused(landmarks: np.ndarray) -> None:
    with pytest.raises(ValueError, match='landmarks'):
        face_square(landmarks)


def test_square_beyond_the_border_repeats_it() -> None:
    image = face_picture(1)
    pixels = cut(image, Box(-4, -6, 14, 12))
    assert pixels.shape == (18, 18, 3)
    assert np.array_equal(pixels[6:, 4:], image[:12, :14])
    assert (pixels[:6, 4:] == image[0, :14]).all()
    with pytest.raises(ValueError, match='no pixel'):
        cut(image, Box(-30, 0, -10, 20))


def test_middle_is_new_and_border_is_old_in_a_blend() -> None:
    under, over = face_picture(1)[:90, :90], face_picture(2)[:90, :90]
    result, opacity = blended(under, over, head_opacity(90)), head_opacity(90)
    assert np.array_equal(result[head_core(90)], over[head_core(90)])
    assert np.array_equal(result[opacity == 0], under[opacity == 0])
    assert opacity[0].max() == opacity[:, 0].max() == 0
    assert head_core(90).mean() > 0.6


def test_face_is_replaced_and_everything_else_stays(replacer: FaceReplacer) -> None:
    image = face_picture(1)
    result = replacer.replace(image, LANDMARKS, 7)
    assert result.record.outcome == FaceOutcome.REPLACED and result.record.tries >= 1
    assert len(result.record.cosines) == len(ORACLES)
    np.testing.assert_allclose(np.add(result.record.cosines, result.record.margins), 1, atol=1e-6)
    shown, square = result.shown_in(image), result.square
    outside = np.ones(image.shape[:2], bool)
    outside[square.slices] = head_opacity(square.width_px) == 0
    assert np.array_equal(shown[outside], image[outside])
    core = head_core(square.width_px)
    assert (shown[square.slices][core] == result.pixels[core]).all()


def test_oracles_judge_the_picture_that_is_shown_at_the_border_of_the_image(
        replacer: FaceReplacer) -> None:
    image, landmarks = face_picture(1), landmarks_at(-14, 2, 60)
    result = replacer.replace(image, landmarks, 7)
    assert result.square.left < 0
    pictures = [torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255
                for picture in (image, result.shown_in(image))]
    for oracle, cosine in zip(replacer.oracles, result.record.cosines):
        before, after = (oracle.features(picture, torch.from_numpy(landmarks)[None])[0]
                         for picture in pictures)
        assert float(before @ after) == pytest.approx(cosine, abs=1e-5)


def test_track_keeps_its_identity_while_the_picture_changes(replacer: FaceReplacer) -> None:
    tries = {replacer.replace(face_picture(number), LANDMARKS + number, 9).record.tries
             for number in range(3)}
    assert len(tries) == 1 and replacer.redraws == 0


def test_track_keeps_its_face_and_others_get_others(
        replacer: FaceReplacer, folder: Path) -> None:
    image = face_picture(1)
    first, again = (replacer.replace(image, LANDMARKS, 7).pixels for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, replacer.replace(image, LANDMARKS, 8).pixels)
    other_run = load_face_replacer(folder, folder, FaceSettings(steps=1))
    assert not np.array_equal(first, other_run.replace(image, LANDMARKS, 7).pixels)
    assert replacer.redraws == 0


def test_nothing_is_shown_while_an_oracle_knows_the_person(own_folder: Path) -> None:
    calibrate(own_folder, [-1.0, -1.0])
    known = load_face_replacer(own_folder, own_folder, FaceSettings(
        steps=1, enforcement_steps=2), key=KEY)
    result = known.replace(face_picture(1), LANDMARKS, 7)
    assert result.pixels is None and result.record.outcome == FaceOutcome.KNOWN
    assert result.record.steps == 2 and max(result.record.margins) < 0
    with pytest.raises(ValueError, match='known'):
        result.shown_in(face_picture(1))


def test_gradient_steps_lower_what_the_oracles_find(
        replacer: FaceReplacer, own_folder: Path) -> None:
    image = face_picture(1)
    cosines = replacer.replace(image, LANDMARKS, 7).record.cosines
    calibrate(own_folder, [cosine - 3e-3 for cosine in cosines])
    enforced = load_face_replacer(own_folder, own_folder, FaceSettings(
        steps=1, enforcement_steps=10), key=KEY).replace(image, LANDMARKS, 7)
    assert enforced.record.steps > 0
    assert (enforced.record.outcome == FaceOutcome.REPLACED) == (min(enforced.record.margins) > 0)
    assert sum(enforced.record.cosines) < sum(cosines)


def test_nothing_is_shown_when_nobody_is_far_enough(folder: Path) -> None:
    strict = load_face_replacer(folder, folder, FaceSettings(steps=1, cosine_max=-0.999), key=KEY)
    result = strict.replace(face_picture(1), LANDMARKS, 7)
    assert result.pixels is None and result.record.outcome == FaceOutcome.NO_REPLACEMENT
    assert strict.leak.solid_share == pytest.approx(1)


def test_nothing_is_shown_of_numbers_that_are_none(own_replacer: FaceReplacer) -> None:
    for values in own_replacer.generator.autoencoder.colours.parameters():
        values.fill_(torch.nan)
    result = own_replacer.replace(face_picture(1), LANDMARKS, 7)
    assert result.pixels is None and result.record.outcome == FaceOutcome.NOT_FINITE


def test_nothing_is_shown_when_an_oracle_gives_no_numbers(own_replacer: FaceReplacer) -> None:
    for values in own_replacer.oracles[0].network.parameters():
        values.fill_(torch.nan)
    result = own_replacer.replace(face_picture(1), LANDMARKS, 7)
    assert result.pixels is None and result.record.outcome == FaceOutcome.KNOWN


def test_nothing_is_shown_after_the_deadline(replacer: FaceReplacer) -> None:
    result = replacer.replace(face_picture(1), LANDMARKS, 7, deadline_s=0.0)
    assert result.pixels is None and result.record.outcome == FaceOutcome.LATE


@pytest.mark.parametrize(('name', 'command'), [
    ('face_student.safetensors', 'latent-rag train faces'), (GALLERY, 'latent-rag train faces'),
    ('face_oracle_dlib.safetensors', 'convert_face_networks'),
    ('face_mesh.safetensors', 'convert_face_networks'),
    ('thresholds.json', 'calibrate_face_oracles')])
def test_missing_file_is_named_with_the_command_that_makes_it(
        own_folder: Path, name: str, command: str) -> None:
    (own_folder / name).unlink()
    with pytest.raises(WeightsError, match=f'{name}.*{command}'):
        load_face_replacer(own_folder, own_folder)


def test_gallery_of_another_encoder_is_refused(own_folder: Path) -> None:
    save_gallery(own_folder / GALLERY, IdentityGallery(np.eye(8, dtype=np.float32)), 'other')
    register(own_folder / GALLERY)
    with pytest.raises(WeightsError, match='8 numbers'):
        load_face_replacer(own_folder, own_folder)


def test_name_of_the_weights_changes_with_them(folder: Path) -> None:
    student = weights_id(folder, FaceSettings())
    assert student == weights_id(folder, FaceSettings())
    assert student != weights_id(folder, FaceSettings(steps=2))
    assert weights_id(folder, FaceSettings('teacher', 4)).startswith('face-teacher-4-')
