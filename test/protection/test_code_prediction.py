"""Latent-RAG with a code predictor in the filter: who looks again, and which patch stays."""
from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from latent_rag_ros.latent_rag.code_predictor import CodePredictor
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.protection.latent_rag_method import LatentRagMethod
from latent_rag_ros.protection.method import Person
from latent_rag_ros.protection.patch_batch import Drafts
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.protection.verification import Limits, Verification

ALWAYS, NEVER = 2.0, -2.0
"""Cosines below which everybody and nobody asks."""

ROBOT = replace(PRESETS['robot'], looks=2, look_cosine=ALWAYS, corrections=1,
                correction_cosine=NEVER, warm_stop_cosine=NEVER, stop_cosine=ALWAYS)
LIMITS = Limits(psnr_db_max=60, ssim_max=1.0, cosine_min=-1)


@pytest.fixture
def make(replacer):
    """Return a function that makes a method whose predictor moves codes."""
    def made(limits: Limits = LIMITS, **changes: float) -> LatentRagMethod:
        torch.manual_seed(7)
        predictor = CodePredictor.for_store(replacer.store).eval().requires_grad_(False)
        predictor.leave.weight.normal_(0, 0.05)
        return LatentRagMethod(LatentRagReplacer(
            replacer.embedder, replacer.generator, replacer.store, replace(ROBOT, **changes),
            predictor=predictor), limits)
    return made


@pytest.fixture
def persons(embedder) -> list[Person]:
    crops = torch.randint(0, 256, (3, 3, 128, 64), dtype=torch.uint8,
                          generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        features = embedder.embed(crops.float() / 255)
    return [Person(track, crop, feature, Reason.NONE)
            for track, (crop, feature) in enumerate(zip(crops, features))]


def test_patch_brings_the_feature_of_its_own_picture(make, persons):
    method = make()
    for patch in method.patches(persons, StageClock(), time.monotonic() + 600):
        picture = torch.from_numpy(patch.image).permute(2, 0, 1)[None]
        wanted, = method._replacer.features_of(picture)
        torch.testing.assert_close(patch.feature, wanted, atol=1e-5, rtol=0)


def drawn(method: LatentRagMethod, persons: list[Person]) -> list[int]:
    """Return how many persons each call of the generator drew for one frame."""
    counts, synthesise = [], method._replacer.synthesise

    def counting(codes: torch.Tensor) -> torch.Tensor:
        counts.append(len(codes))
        return synthesise(codes)

    method._replacer.synthesise = counting
    patches = method.patches(persons, StageClock(), time.monotonic() + 600)
    method._replacer.synthesise = synthesise
    assert all(patch.image is not None for patch in patches)
    return counts


def test_first_look_suffices_for_people_who_are_close_enough(make, persons):
    assert drawn(make(look_cosine=NEVER), persons) == [3]


def test_everybody_looks_again_and_takes_steps_when_everybody_asks(make, persons):
    assert drawn(make(), persons) == [3, 3]
    assert drawn(make(correction_cosine=ALWAYS), persons) == [3, 3, 3]


def test_known_person_looks_again_only_when_the_identity_is_lost(make, persons):
    method = make(look_cosine=NEVER)
    assert [drawn(method, persons), drawn(method, persons)] == [[3], [3]]
    method._replacer.preset = replace(ROBOT, warm_stop_cosine=ALWAYS)
    assert drawn(method, persons) == [3, 3]
    unseen = [replace(person, feature=None) for person in persons]
    assert drawn(method, unseen) == [3]


def test_person_too_much_like_the_input_asks_for_steps(make, persons):
    method = make(Limits(psnr_db_max=1.0, ssim_max=1.0, cosine_min=-1), look_cosine=NEVER)
    clock = StageClock()
    patches = method.patches(persons, clock, time.monotonic() + 600)
    assert [patch.reason for patch in patches] == [Reason.NOT_VERIFIED] * 3
    moved = method._replacer.replace(torch.stack([person.crop for person in persons]) / 255,
                                     torch.stack([person.feature for person in persons]))
    remembered = torch.stack([method._codes[track] for track in range(3)])
    assert not torch.equal(remembered, moved.codes)      # the coarse step was taken


def test_filter_and_replacer_make_the_same_pictures(make, persons):
    method = make(correction_cosine=ALWAYS)
    made = method._replacer.replace(torch.stack([person.crop for person in persons]) / 255,
                                    torch.stack([person.feature for person in persons]))
    patches = method.patches(persons, StageClock(), time.monotonic() + 600)
    for patch, image in zip(patches, made.images):
        assert torch.equal(torch.from_numpy(patch.image).permute(2, 0, 1), image)


def test_no_second_look_is_taken_when_time_is_short(make, persons):
    method = make()
    method.patches(persons, StageClock(), time.monotonic() + 600)
    first = dict(method._codes)
    method._codes.clear()
    method._improvements = lambda until_s: []
    method.patches(persons, StageClock(), time.monotonic() + 600)
    once = dict(method._codes)
    late = make()
    improved = late._improved

    def too_late(*arguments: object) -> Drafts:
        return improved(*arguments[:-1], time.monotonic() - 1)

    late._improved = too_late
    late.patches(persons, StageClock(), time.monotonic() + 600)
    assert all(torch.equal(late._codes[track], once[track]) for track in range(3))
    assert not any(torch.equal(late._codes[track], first[track]) for track in range(3))


def drafts(value: int, passed: list[bool]) -> Drafts:
    count = len(passed)
    figures = [torch.full((count,), float(value)) for _ in range(3)]
    return Drafts(torch.full((count, 10, 64), float(value)),
                  torch.full((count, 3, 8, 4), value, dtype=torch.uint8),
                  torch.full((count, 256), float(value)),
                  Verification(*figures, torch.tensor(passed)))


def test_a_patch_that_passed_stays_where_the_other_does_not_pass():
    first = drafts(1, [True, True, False, False])
    merged = first.with_rows(torch.tensor([0, 1, 2]), drafts(2, [True, False, False]))
    assert merged.images[:, 0, 0, 0].tolist() == [2, 1, 2, 1]
    assert merged.codes[:, 0, 0].tolist() == merged.checks.cosine.tolist() == [2, 1, 2, 1]
    assert merged.checks.passed.tolist() == [True, True, False, False]
    assert first.images[:, 0, 0, 0].tolist() == [1, 1, 1, 1]
