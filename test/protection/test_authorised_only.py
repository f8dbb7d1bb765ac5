"""The preset authorised_only in the filter: looks are drawn per track and stay with it."""
from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.protection.assembly import chosen_preset
from latent_rag_ros.protection.latent_rag_method import LatentRagMethod
from latent_rag_ros.protection.method import Patch, Person
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.protection.verification import Limits

PRESET = replace(PRESETS['authorised_only'], iterations=2, warm_iterations=1, stop_cosine=2.0,
                 warm_stop_cosine=2.0)
EPSILON = round(255 * PRESET.perturbation) + 1
"""Most levels by which a picture differs from the one without perturbation, rounded up."""


@pytest.fixture
def method(replacer) -> LatentRagMethod:
    return LatentRagMethod(
        LatentRagReplacer(replacer.embedder, replacer.generator, replacer.store, PRESET, seed=0),
        Limits(psnr_db_max=60, ssim_max=1.0, cosine_min=-1))


@pytest.fixture
def persons(embedder) -> list[Person]:
    """One and the same picture in three tracks."""
    crop = torch.randint(0, 256, (3, 128, 64), dtype=torch.uint8,
                         generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        feature = embedder.embed(crop[None].float() / 255)[0]
    return [Person(track, crop, feature, Reason.NONE) for track in range(3)]


def made(method: LatentRagMethod, persons: list[Person]) -> list[Patch]:
    """Return the patches of one frame."""
    return method.patches(persons, StageClock(), time.monotonic() + 600)


def difference(one: Patch, other: Patch) -> int:
    """Return the largest difference of two patches in any colour, 0..255."""
    return int(np.abs(one.image.astype(int) - other.image.astype(int)).max())


def test_one_person_in_several_tracks_looks_like_several_people(method, persons):
    patches = made(method, persons)
    assert all(patch.reason == Reason.NONE for patch in patches)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert difference(patches[one], patches[other]) > 2 * EPSILON


def test_looks_stay_with_the_track_while_the_perturbation_is_renewed(method, persons):
    first, second = made(method, persons), made(method, persons)
    for before, after in zip(first, second):
        assert 0 < difference(before, after) <= 2 * EPSILON
    missed = [replace(person, feature=None) for person in persons]
    assert [difference(*pair) for pair in zip(second, made(method, missed))] == [0, 0, 0]


def test_the_parameter_chooses_the_preset():
    values = checked_values(PROTECTOR, {'latent_rag.preset': 'authorised_only'})
    assert chosen_preset(values) == PRESETS['authorised_only']
    fewer = values | {'latent_rag.iterations': 3}
    assert chosen_preset(fewer).iterations == 3
