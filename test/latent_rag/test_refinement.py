"""Refinement: what a step does, when it stops, and that it works."""
from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from latent_rag_ros.latent_rag.generator import COARSE_LAYERS, CODE_DIMENSION, FINE_LAYERS, LAYERS
from latent_rag_ros.latent_rag.refinement import RefinementSettings, diversity_loss, refine

CODE_SHAPE = LAYERS, CODE_DIMENSION

SETTINGS = RefinementSettings(
    iterations=4, coarse_steps=torch.full((3, 1), 0.02), fine_steps=torch.full((7, 1), 0.05),
    momentum=0.9, stop_cosine=2.0)


@pytest.fixture
def people(generator, embedder):
    """Two persons whose pictures the generator can reach, and codes that start elsewhere."""
    random = torch.Generator().manual_seed(5)
    codes = torch.randn(2, *CODE_SHAPE, generator=random)
    crops = generator(codes)
    start = codes + 0.8 * torch.randn(2, *CODE_SHAPE, generator=random)
    return crops, embedder.embed(crops), start


def test_refinement_raises_the_identity_cosine(generator, embedder, people):
    crops, features, start = people
    settings = replace(SETTINGS, coarse_steps=torch.zeros(3, 1), iterations=12)
    codes, _ = refine(generator, embedder, crops, features, start, settings)
    before = (embedder.embed(generator(start)) * features).sum(1)
    after = (embedder.embed(generator(codes)) * features).sum(1)
    assert (after > before).all()


def test_coarse_steps_move_the_picture_away_from_the_input(generator, embedder, people):
    crops, features, start = people
    settings = replace(SETTINGS, fine_steps=torch.zeros(7, 1), iterations=6)
    codes, _ = refine(generator, embedder, crops, features, start, settings)
    assert diversity_loss(generator(codes), crops) < diversity_loss(generator(start), crops)
    torch.testing.assert_close(codes[:, FINE_LAYERS], start[:, FINE_LAYERS])


def test_a_sign_step_moves_every_coordinate_by_exactly_alpha(generator, embedder, people):
    crops, features, start = people
    codes, taken = refine(generator, embedder, crops, features, start,
                          replace(SETTINGS, iterations=1))
    moved = (codes - start).abs()
    torch.testing.assert_close(moved[:, COARSE_LAYERS], torch.full((2, 3, CODE_DIMENSION), 0.02))
    torch.testing.assert_close(moved[:, FINE_LAYERS], torch.full((2, 7, CODE_DIMENSION), 0.05))
    assert taken.tolist() == [1, 1]


def test_a_person_who_is_close_enough_drops_out_alone(generator, embedder, people):
    crops, features, start = people
    start = start.clone()
    start[0] = torch.randn(2, *CODE_SHAPE, generator=torch.Generator().manual_seed(5))[0]
    settings = replace(SETTINGS, coarse_steps=torch.zeros(3, 1), stop_cosine=0.999, iterations=2)
    codes, taken = refine(generator, embedder, crops, features, start, settings)
    assert taken.tolist() == [0, 2]
    torch.testing.assert_close(codes[0], start[0])


def test_no_iteration_starts_after_the_deadline(generator, embedder, people):
    crops, features, start = people
    settings = replace(SETTINGS, deadline_s=time.monotonic() - 1)
    codes, taken = refine(generator, embedder, crops, features, start, settings)
    assert taken.tolist() == [0, 0]
    torch.testing.assert_close(codes, start)


def test_the_given_codes_are_left_unchanged(generator, embedder, people):
    crops, features, start = people
    kept = start.clone()
    refine(generator, embedder, crops, features, start, SETTINGS)
    torch.testing.assert_close(start, kept)


def test_persons_of_a_batch_do_not_influence_each_other(generator, embedder, people):
    crops, features, start = people
    together, _ = refine(generator, embedder, crops, features, start, SETTINGS)
    alone, _ = refine(generator, embedder, crops[1:], features[1:], start[1:], SETTINGS)
    # sign steps: a rounding difference may flip a coordinate whose gradient is next to nothing
    same = (together[1:] - alone).abs() < 1e-4
    assert same.float().mean() > 0.99
