"""One frame through the filter: what is covered, and what comes out when a part fails."""
from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from latent_rag_ros.parameters import ParameterError
from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box, Fill, Frame, Outcome, Reason
from latent_rag_ros.protection.verification import Limits

TWO_PERSONS = [Box(40, 30, 90, 200), Box(200, 60, 250, 239)]


def raising(error: Exception):
    def function(*_, **__):
        raise error
    return function


def surviving_pixels(frame: Frame, result) -> int:
    """Pixels inside the covered regions that still are what the camera saw."""
    return int(((result.image == frame.image).all(2) & result.covered).sum())


def test_solid_persons_do_not_depend_on_their_pixels(make_pipeline, frame):
    first = make_pipeline(TWO_PERSONS).protect(frame)
    changed = frame.image.copy()
    changed[first.covered] = 255 - changed[first.covered]
    second = make_pipeline(TWO_PERSONS).protect(Frame(changed, time.monotonic()))
    assert first.outcome == Outcome.PROTECTED and first.covered.any()
    assert (first.image == second.image).all()


def test_no_input_pixel_survives_inside_a_synthesised_person(make_pipeline, method, frame):
    result = make_pipeline(TWO_PERSONS, method).protect(frame)
    assert [person.fill for person in result.persons] == [Fill.SYNTHETIC, Fill.SYNTHETIC]
    assert surviving_pixels(frame, result) == 0
    assert (result.image[~result.covered] == frame.image[~result.covered]).all()


def test_features_are_normalised_and_published_for_every_tall_person(make_pipeline, method, frame):
    result = make_pipeline(TWO_PERSONS, method).protect(frame)
    norms = [np.linalg.norm(person.feature) for person in result.persons]
    np.testing.assert_allclose(norms, 1, rtol=1e-5)


def test_frame_without_persons_passes_unchanged(make_pipeline, method, frame):
    result = make_pipeline([], method).protect(frame)
    assert result.outcome == Outcome.PROTECTED and result.persons == ()
    assert (result.image == frame.image).all()


@pytest.mark.parametrize(('error', 'reason'), [
    (DetectorError('network output is not finite'), Reason.DETECTOR_FAILED),
    (ZeroDivisionError('bug'), Reason.INTERNAL_ERROR)])
def test_frame_is_blanked_when_the_detector_fails(make_pipeline, frame, error, reason):
    pipeline = make_pipeline(TWO_PERSONS)
    pipeline._parts.detector.detect = raising(error)
    result = pipeline.protect(frame)
    assert (result.outcome, result.reason) == (Outcome.BLANKED, reason)
    assert (result.image == 0).all() and result.covered.all() and result.persons == ()
    assert str(error) in result.message


def test_persons_become_solid_when_the_generator_fails(make_pipeline, method, frame):
    method._replacer.generator.forward = raising(RuntimeError('out of memory'))
    result = make_pipeline(TWO_PERSONS, method).protect(frame)
    assert (result.outcome, result.reason) == (Outcome.PROTECTED, Reason.GENERATOR_FAILED)
    assert (result.image[result.covered] == 0).all()


def test_persons_become_solid_when_the_generator_gives_no_numbers(make_pipeline, method, frame):
    method._replacer.generator.forward = lambda codes: torch.full((len(codes), 3, 128, 64),
                                                                  float('nan'))
    result = make_pipeline(TWO_PERSONS, method).protect(frame)
    assert {person.fill for person in result.persons} == {Fill.SOLID}
    assert surviving_pixels(frame, result) == 0


def test_a_patch_that_equals_the_input_is_refused(make_pipeline, method, frame):
    seen = []
    real_patches = method.patches

    def remembering(persons, *rest):
        seen.extend(person.crop for person in persons)
        return real_patches(persons, *rest)

    method.patches = remembering
    method._replacer.synthesise = lambda codes: torch.stack(seen)
    result = make_pipeline(TWO_PERSONS, method).protect(frame)
    assert [person.reason for person in result.persons] == [Reason.NOT_VERIFIED] * 2
    assert (result.image[result.covered] == 0).all()


def test_persons_become_solid_when_the_embedder_fails(make_pipeline, method, frame):
    pipeline = make_pipeline(TWO_PERSONS, method)
    pipeline._parts.embedder.embed = raising(RuntimeError('lost device'))
    result = pipeline.protect(frame)
    assert result.reason == Reason.EMBEDDER_FAILED
    assert all(person.feature is None for person in result.persons)
    assert (result.image[result.covered] == 0).all()


def test_persons_become_solid_when_the_frame_is_late(make_pipeline, method, frame):
    late = Frame(frame.image, time.monotonic() - 3600)
    result = make_pipeline(TWO_PERSONS, method).protect(late)
    assert [person.reason for person in result.persons] == [Reason.LATE] * 2
    assert surviving_pixels(late, result) == 0


def test_a_person_too_small_to_recognise_is_solid_and_without_feature(
        make_pipeline, method, frame):
    result = make_pipeline([Box(100, 100, 112, 130)], method).protect(frame)
    person, = result.persons
    assert (person.fill, person.reason, person.feature) == (Fill.SOLID, Reason.TOO_SMALL, None)


def test_a_person_missed_by_the_detector_keeps_his_patch_and_publishes_no_feature(
        make_pipeline, method, frame):
    pipeline = make_pipeline(TWO_PERSONS, method)
    seen = pipeline.protect(frame)
    pipeline._parts.detector.boxes = []
    missed = pipeline.protect(Frame(frame.image, time.monotonic() + 60.0))
    assert [person.missed_frames for person in missed.persons] == [1, 1]
    assert [person.fill for person in missed.persons] == [Fill.SYNTHETIC, Fill.SYNTHETIC]
    assert all(person.feature is None for person in missed.persons)
    assert (missed.covered | ~seen.covered).all()


def test_reset_forgets_persons_who_were_missed(make_pipeline, method, frame):
    pipeline = make_pipeline(TWO_PERSONS, method)
    pipeline.protect(frame)
    pipeline._parts.detector.boxes = []
    pipeline.reset()
    assert pipeline.protect(Frame(frame.image, time.monotonic() + 60.0)).persons == ()


def test_track_keeps_its_replacement_when_the_identity_stays(make_pipeline, method, frame):
    pipeline = make_pipeline(TWO_PERSONS, method)
    pipeline.protect(frame)
    first = {track: code.clone() for track, code in method._codes.items()}
    method._replacer.preset = type(method._replacer.preset)(
        **{**vars(method._replacer.preset), 'warm_stop_cosine': -1.0})
    pipeline.protect(Frame(frame.image, time.monotonic() + 60.0))
    assert first.keys() == method._codes.keys()
    assert all(torch.equal(first[track], method._codes[track]) for track in first)


def test_code_that_does_not_verify_is_refined_once_more_and_then_dropped(
        make_pipeline, method, frame):
    method._limits = Limits(psnr_db_max=40, ssim_max=0.95, cosine_min=1.0)
    pipeline = make_pipeline(TWO_PERSONS, method)
    remembered = []
    for _ in range(3):
        result = pipeline.protect(Frame(frame.image, time.monotonic() + 60.0))
        assert {person.fill for person in result.persons} == {Fill.SOLID}
        remembered.append(len(method._codes))
    assert remembered == [2, 0, 2]


def test_stages_are_timed_in_the_order_of_the_way(make_pipeline, method, frame):
    stages = list(make_pipeline(TWO_PERSONS, method).protect(frame).latency_s)
    assert stages == ['detect', 'track', 'mask', 'erase', 'embed', 'retrieve', 'fuse', 'refine',
                      'synthesise', 'verify', 'composite']


def test_misspelt_parameter_is_refused_by_name():
    with pytest.raises(ParameterError, match='detector.treshold is not a parameter'):
        ProtectionPipeline.from_values({'detector.treshold': 0.5})
