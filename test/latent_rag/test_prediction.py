"""Replacing persons with a code predictor: looks, corrections, and when they are taken."""
from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from latent_rag_ros.latent_rag.code_predictor import CodePredictor
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer

ROBOT = replace(PRESETS['robot'], looks=2, look_cosine=2.0, corrections=2,
                correction_cosine=-2.0, stop_cosine=2.0)
"""Everybody looks twice, nobody takes gradient steps."""


@pytest.fixture
def make(embedder, generator, store):
    """Return a function that makes a replacer whose predictor moves codes."""
    def made(preset) -> LatentRagReplacer:
        torch.manual_seed(7)
        predictor = CodePredictor.for_store(store).eval().requires_grad_(False)
        predictor.leave.weight.normal_(0, 0.05)
        return LatentRagReplacer(embedder, generator, store, preset, predictor=predictor)
    return made


@pytest.fixture
def people(embedder):
    crops = torch.rand(3, 3, 128, 64, generator=torch.Generator().manual_seed(9))
    with torch.no_grad():
        return crops, embedder.embed(crops)


def test_everybody_looks_once_when_once_suffices(make, people):
    made = make(replace(ROBOT, look_cosine=-2.0)).replace(*people)
    assert made.looks.tolist() == [1, 1, 1] and made.iterations.tolist() == [0, 0, 0]
    assert made.images.shape == (3, 3, 128, 64) and made.images.dtype == torch.uint8


def test_who_is_not_close_enough_looks_again_alone(make, people):
    crops, features = people
    once = make(replace(ROBOT, looks=1))
    images = once.replace(crops, features).images
    cosine = (once.features_of(images) * features).sum(1)
    limit = float(cosine.sort().values[:2].mean())       # between the worst and the second
    made = make(replace(ROBOT, look_cosine=limit)).replace(crops, features)
    assert made.looks.tolist() == [2 if value < limit else 1 for value in cosine.tolist()]
    kept = made.looks == 1
    assert torch.equal(made.images[kept], images[kept])
    assert not torch.equal(made.images[~kept], images[~kept])


def test_a_second_look_starts_where_the_first_one_got(make, people):
    crops, features = people
    replacer = make(ROBOT)
    first = make(replace(ROBOT, looks=1)).replace(crops, features)
    expected = replacer.predict(features, replacer.features_of(first.images), first.codes)
    torch.testing.assert_close(replacer.replace(crops, features).codes, expected)


def test_gradient_steps_are_taken_by_those_who_still_ask(make, people):
    crops, features = people
    looked = make(ROBOT).replace(crops, features)
    corrected = make(replace(ROBOT, correction_cosine=2.0)).replace(crops, features)
    assert corrected.iterations.tolist() == [2, 2, 2]
    assert not torch.equal(corrected.codes, looked.codes)
    assert looked.iterations.tolist() == [0, 0, 0]


def test_same_persons_get_the_same_pictures_in_any_batch(make, people):
    crops, features = people
    replacer = make(ROBOT)
    together = replacer.replace(crops, features)
    assert torch.equal(together.images, replacer.replace(crops, features).images)
    alone = replacer.replace(crops[1:2], features[1:2])
    torch.testing.assert_close(alone.codes, together.codes[1:2], rtol=1e-3, atol=1e-3)
    difference = (alone.images.int() - together.images[1:2].int()).abs()
    assert difference.max() <= 1


def test_nobody_is_predicted_without_a_predictor(embedder, generator, store, people):
    preset = replace(ROBOT, iterations=1, stop_cosine=2.0)
    made = LatentRagReplacer(embedder, generator, store, preset).replace(*people)
    assert made.looks.tolist() == [0, 0, 0] and made.iterations.tolist() == [1, 1, 1]
