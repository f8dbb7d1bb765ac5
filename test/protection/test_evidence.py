"""The evidence image: bodies as they are, heads never; everything that fails covers more."""
from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from latent_rag_ros.identity_decoupling.face_folders import (
    ORACLES, THRESHOLDS, FaceSettings, load_face_replacer)
from latent_rag_ros.identity_decoupling.face_replacer import FaceReplacer
from latent_rag_ros.identity_decoupling.face_square import face_square
from latent_rag_ros.identity_decoupling.head_blend import head_opacity
from latent_rag_ros.identity_decoupling.oracles.calibration import Threshold, save_thresholds
from latent_rag_ros.protection.evidence import EvidenceFrame, FaceReason, HeadFill
from latent_rag_ros.protection.evidence_method import EvidenceMethod, EvidenceSettings
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box, Frame, Outcome, ProtectedFrame, Reason

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import KnownFaces, landmarks_at, write_random_faces  # noqa: E402

PERSON = Box(40, 30, 110, 200)
HEAD = landmarks_at(57, 34, 36)
OTHER, OTHER_HEAD = Box(200, 30, 270, 200), landmarks_at(217, 34, 36)


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of random face networks whose oracles know nobody."""
    return write_random_faces(tmp_path_factory.mktemp('faces'))


@pytest.fixture(scope='module')
def load(folder: Path) -> Callable[..., FaceReplacer]:
    """Return what loads the networks, behind oracles of any folder, with one step."""
    return lambda networks=folder: load_face_replacer(folder, networks, FaceSettings(
        steps=1, enforcement_steps=0), key=b'a key that is only for tests')


@pytest.fixture(scope='module')
def loaded(load: Callable[..., FaceReplacer]) -> FaceReplacer:
    """Return a replacer behind oracles that know nobody."""
    return load()


@pytest.fixture
def evidence(loaded: FaceReplacer) -> Callable[..., EvidenceMethod]:
    """Return what makes a method that finds the given faces."""
    loaded.keep_only(set())

    def make(*faces: np.ndarray, replacer: FaceReplacer = loaded,
             **settings: object) -> EvidenceMethod:
        return EvidenceMethod(KnownFaces(*faces), replacer,
                              EvidenceSettings(**{'face_px_min': 16, **settings}), 'test')
    return make


@pytest.fixture
def shown(make_pipeline: Callable[..., ProtectionPipeline], evidence: Callable,
          frame: Frame) -> Callable[..., ProtectedFrame]:
    """Return what protects the frame with given boxes and faces."""
    def protect(boxes: list[Box], *faces: np.ndarray, **settings: object) -> ProtectedFrame:
        return make_pipeline(boxes, evidence=evidence(*faces, **settings)).protect(frame)
    return protect


def same(frame: Frame, found: EvidenceFrame) -> np.ndarray:
    """Return where a pixel of the evidence is that of the input."""
    return (found.image == frame.image).all(axis=2)


def assert_covered_whole(frame: Frame, found: ProtectedFrame, box: Box = PERSON) -> None:
    """Check that a person is seen as in the protected image."""
    assert not same(frame, found.evidence)[box.slices].any()
    assert np.array_equal(found.evidence.image[box.slices], found.image[box.slices])


def test_head_is_new_and_body_and_background_are_bit_identical(
        frame: Frame, shown: Callable) -> None:
    found = shown([PERSON], HEAD)
    face, = found.evidence.faces
    assert (face.track_id, face.fill, face.reason) == (1, HeadFill.REPLACED, FaceReason.NONE)
    square = face_square(HEAD)
    opacity = head_opacity(square.width_px)
    untouched = np.ones(frame.image.shape[:2], bool)
    untouched[square.slices] = opacity == 0
    assert np.array_equal(found.evidence.image[untouched], frame.image[untouched])
    assert np.array_equal(found.evidence.changed, ~untouched)
    core = opacity == 1
    pixels = np.abs(found.evidence.image.astype(int) - frame.image)[square.slices][core]
    assert (pixels.max(axis=1) > 0).mean() > 0.99 and pixels.mean() > 20
    assert not (found.image == frame.image).all(axis=2)[PERSON.slices].any()


def test_no_pixel_of_the_head_depends_on_the_input_where_it_is_shown(
        frame: Frame, shown: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    square = face_square(HEAD)
    core = head_opacity(square.width_px) == 1
    monkeypatch.setattr('latent_rag_ros.identity_decoupling.face_generator.FaceGenerator.latents',
                        lambda self, identity, attributes, structure, seed: torch.zeros_like(
                            attributes))
    before = shown([PERSON], HEAD).evidence
    frame.image[square.slices] = 255 - frame.image[square.slices]
    after = shown([PERSON], HEAD).evidence
    assert [evidence.faces[0].fill for evidence in (before, after)] == [HeadFill.REPLACED] * 2
    assert np.array_equal(*(evidence.image[square.slices][core] for evidence in (before, after)))


def test_person_without_a_face_is_covered_whole(frame: Frame, shown: Callable) -> None:
    found = shown([PERSON, OTHER], HEAD)
    assert [(face.fill, face.reason) for face in found.evidence.faces] == [
        (HeadFill.REPLACED, FaceReason.NONE), (HeadFill.WHOLE_PERSON, FaceReason.NO_FACE)]
    assert_covered_whole(frame, found, OTHER)
    assert found.reason == Reason.NONE


def test_neutral_fill_covers_the_head_alone(frame: Frame, shown: Callable) -> None:
    found = shown([PERSON, OTHER], landmarks_at(226, 38, 18), neutral=True)
    no_face, small = found.evidence.faces
    assert (no_face.fill, no_face.reason) == (HeadFill.NEUTRAL, FaceReason.NO_FACE)
    assert (small.fill, small.reason) == (HeadFill.NEUTRAL, FaceReason.TOO_SMALL)
    for face, box in ((no_face, PERSON), (small, OTHER)):
        assert len(np.unique(found.evidence.image[face.box.slices].reshape(-1, 3), axis=0)) == 1
        assert same(frame, found.evidence)[box.bottom - 60:box.bottom, box.left:box.right].all()
    assert not same(frame, found.evidence)[30:70, 40:110].any()


def test_neutral_fill_is_not_enough_where_the_head_may_be_anywhere(
        frame: Frame, shown: Callable) -> None:
    lying = Box(40, 100, 200, 160)
    found = shown([lying], neutral=True)
    assert found.evidence.faces[0].fill == HeadFill.WHOLE_PERSON
    assert_covered_whole(frame, found, lying)


def test_turned_and_crowded_faces_are_covered_whole(frame: Frame, shown: Callable) -> None:
    profile = HEAD.copy()
    profile[:, 0] = HEAD[:, 0].mean() + np.array([0, 1.5, -8, -1, 1])
    found = shown([PERSON], profile, face_px_min=1)
    assert found.evidence.faces[0].reason == FaceReason.TURNED
    assert_covered_whole(frame, found)
    found = shown([PERSON, PERSON.moved(38, 5)], HEAD, landmarks_at(88, 40, 32))
    assert {face.reason for face in found.evidence.faces} & {FaceReason.CROWDED}
    smaller = next(face for face in found.evidence.faces if face.reason == FaceReason.CROWDED)
    assert smaller.fill == HeadFill.WHOLE_PERSON


def test_face_of_nobody_is_covered(frame: Frame, shown: Callable) -> None:
    found = shown([PERSON], HEAD, OTHER_HEAD)
    nobody = found.evidence.faces[1]
    assert (nobody.track_id, nobody.fill, nobody.reason) == (
        0, HeadFill.NEUTRAL, FaceReason.NOBODY)
    assert not same(frame, found.evidence)[face_square(OTHER_HEAD).slices].any()


def test_everybody_is_covered_whole_when_the_face_detector_fails(
        frame: Frame, evidence: Callable, make_pipeline: Callable) -> None:
    method = evidence(HEAD)
    method._detector.failing = True
    found = make_pipeline([PERSON], evidence=method).protect(frame)
    assert found.outcome == Outcome.PROTECTED and found.reason == Reason.GENERATOR_FAILED
    assert found.evidence.faces[0].reason == FaceReason.FAILED
    assert np.array_equal(found.evidence.image, found.image)


@pytest.mark.parametrize(('error', 'reason'), [
    (RuntimeError('boom'), FaceReason.FAILED), (MemoryError(), FaceReason.OUT_OF_MEMORY),
    (torch.cuda.OutOfMemoryError(), FaceReason.OUT_OF_MEMORY)])
def test_who_cannot_be_replaced_is_covered_whole(
        frame: Frame, shown: Callable, monkeypatch: pytest.MonkeyPatch, error: Exception,
        reason: FaceReason) -> None:
    def fail(*_: object) -> None:
        raise error
    monkeypatch.setattr('latent_rag_ros.identity_decoupling.face_generator.FaceGenerator.latents',
                        fail)
    found = shown([PERSON], HEAD, OTHER_HEAD)
    assert [face.reason for face in found.evidence.faces] == [reason, FaceReason.NOBODY]
    assert_covered_whole(frame, found)


def test_frame_is_blanked_without_evidence_when_something_unknown_happens(
        frame: Frame, evidence: Callable, make_pipeline: Callable,
        monkeypatch: pytest.MonkeyPatch) -> None:
    method = evidence(HEAD)
    monkeypatch.setattr(method, 'covers', lambda *_: {}['missing'])
    found = make_pipeline([PERSON], evidence=method).protect(frame)
    assert (found.outcome, found.reason) == (Outcome.BLANKED, Reason.INTERNAL_ERROR)
    assert found.evidence is None and len(np.unique(found.image)) == 1


def test_person_whom_an_oracle_still_knows_is_covered_whole(
        frame: Frame, shown: Callable, load: Callable, folder: Path, tmp_path: Path) -> None:
    networks = shutil.copytree(folder, tmp_path / 'faces')
    save_thresholds(networks / THRESHOLDS, {name: Threshold(-1.0, 1000, 5) for name in ORACLES})
    found = shown([PERSON], HEAD, replacer=load(networks))
    face, = found.evidence.faces
    assert (face.reason, found.reason) == (FaceReason.KNOWN, Reason.NOT_VERIFIED)
    assert max(face.margins) < 0
    assert_covered_whole(frame, found)


def test_late_faces_are_covered_whole(frame: Frame, make_pipeline: Callable,
                                      evidence: Callable) -> None:
    late = Frame(frame.image, time.monotonic() - 60.0)
    found = make_pipeline([PERSON], evidence=evidence(HEAD)).protect(late)
    assert found.evidence.faces[0].reason == FaceReason.LATE
    assert_covered_whole(frame, found)


def test_track_keeps_its_face_until_it_is_forgotten(
        frame: Frame, evidence: Callable, make_pipeline: Callable) -> None:
    pipeline = make_pipeline([PERSON], evidence=evidence(HEAD))
    first, second = (pipeline.protect(frame).evidence.image for _ in range(2))
    assert np.array_equal(first, second)
    pipeline.reset()
    assert pipeline.protect(frame).evidence.redraws == 0
    assert pipeline.method == 'identity_decoupled'
    assert pipeline.evidence_model.leak_bits >= 0
