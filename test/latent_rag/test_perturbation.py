"""A perturbation of bounded size carries the identity; what the picture shows stays another's."""
from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from latent_rag_ros.latent_rag.perturbation import (
    PerturbationLayout, PerturbationSettings, perturb)
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer

LAYOUT = PerturbationLayout((128, 64), 64, 16 / 255)
PRESET = replace(PRESETS['authorised_only'], iterations=3, stop_cosine=2.0)


@pytest.fixture
def people(embedder):
    crops = torch.rand(3, 3, 128, 64, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        return crops, embedder.embed(crops)


@pytest.fixture
def make(embedder, generator, store):
    """Return a function that makes a replacer with a seed."""
    return lambda preset, seed=0: LatentRagReplacer(embedder, generator, store, preset, seed=seed)


@pytest.mark.parametrize(('size_px', 'dimension', 'rows'), [
    ((128, 64), 64, 96), ((128, 64), 512, 12), ((25, 13), 64, 5)])
def test_layout_has_a_value_for_every_block(size_px, dimension, rows):
    layout = PerturbationLayout(size_px, dimension, 0.1)
    assert layout.rows == rows
    images = torch.full((2, 3, *size_px), 0.5)
    changed = layout.perturbed(images, torch.ones(2, rows, dimension))
    torch.testing.assert_close(changed, torch.full_like(images, 0.6))
    assert torch.equal(layout.perturbed(images, torch.zeros(2, rows, dimension)), images)


def test_perturbed_pictures_stay_pictures():
    white = LAYOUT.perturbed(torch.ones(1, 3, 128, 64), torch.ones(1, 96, 64))
    black = LAYOUT.perturbed(torch.zeros(1, 3, 128, 64), -torch.ones(1, 96, 64))
    assert white.max() == 1 and black.min() == 0


def test_perturbation_brings_the_feature_closer_and_stays_bounded(embedder, people):
    crops, features = people
    others = crops.flip(0).contiguous()
    start = torch.zeros(3, 96, 64)
    settings = PerturbationSettings(6, 0.25, 0.9, 2.0)
    rows, taken = perturb(embedder, LAYOUT, others, features, start, settings)
    with torch.no_grad():
        before, after = ((embedder.embed(images) * features).sum(1)
                         for images in (others, LAYOUT.perturbed(others, rows)))
    assert (after > before)[[0, 2]].all()      # the one in the middle is compared with itself
    assert taken.tolist() == [6, 6, 6]
    assert rows.abs().max() <= 1 and not start.any()


def test_persons_who_are_close_enough_take_no_step(embedder, people):
    crops, features = people
    settings = PerturbationSettings(4, 0.25, 0.9, 0.999)
    rows, taken = perturb(embedder, LAYOUT, crops, features, torch.zeros(3, 96, 64), settings)
    assert taken.tolist() == [0, 0, 0] and not rows.any()


def test_no_step_starts_after_the_deadline(embedder, people):
    settings = PerturbationSettings(4, 0.25, 0.9, 2.0, deadline_s=0.0)
    taken = perturb(embedder, LAYOUT, *people, torch.zeros(3, 96, 64), settings)[1]
    assert taken.tolist() == [0, 0, 0]


def test_authorised_only_shows_people_of_the_store_whoever_is_asked_for(make, people, store):
    crops, features = people
    replacer = make(replace(PRESET, iterations=0))
    shown = replacer.replace(crops, features).codes[:, :store.codes.shape[1]]
    rows = [int((store.codes == code).all((1, 2)).nonzero()) for code in shown]
    assert len(set(rows)) == 3
    again = make(replace(PRESET, iterations=0)).replace(crops, features.flip(0))
    assert torch.equal(again.codes[:, :shown.shape[1]], shown)
    other = make(replace(PRESET, iterations=0), seed=1).replace(crops, features)
    assert not torch.equal(other.codes[:, :shown.shape[1]], shown)


def test_replacers_without_a_seed_draw_different_people(make, people):
    crops, features = people
    rows = make(PRESET).retrieve(features)
    drawn = [make(PRESET, seed=None).fuse(rows) for _ in range(4)]
    assert any(not torch.equal(codes, drawn[0]) for codes in drawn[1:])


def test_half_a_stranger_is_half_way_from_the_fused_code(make, people):
    features = people[1]
    whole, half, none = (make(replace(PRESET, stranger=share)) for share in (1.0, 0.5, 0.0))
    rows = none.retrieve(features)
    torch.testing.assert_close(half.fuse(rows), (whole.fuse(rows) + none.fuse(rows)) / 2)


def test_authorised_only_changes_no_colour_by_more_than_epsilon(make, people):
    plain, perturbed = (make(replace(PRESET, iterations=iterations)).replace(*people)
                        for iterations in (0, 3))
    change = (perturbed.images.int() - plain.images.int()).abs()
    assert 0 < change.max() <= round(PRESET.perturbation * 255) + 1
    assert perturbed.iterations.tolist() == [3, 3, 3]


def test_warm_refinement_keeps_the_person_who_is_shown(make, people, store):
    crops, features = people
    replacer = make(replace(PRESET, warm_iterations=2, warm_stop_cosine=2.0))
    first = replacer.replace(crops, features)
    codes, taken = replacer.refine_warm(crops, features, first.codes)
    layers = store.codes.shape[1]
    assert torch.equal(codes[:, :layers], first.codes[:, :layers])
    assert not torch.equal(codes[:, layers:], first.codes[:, layers:])
    assert taken.tolist() == [2, 2, 2]
    assert replacer.empty_codes(2).shape == (2, *codes.shape[1:])
