"""Training of the code predictor: it learns, goes on where it stopped, and fits its weights."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS, Generator
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.latent_rag.store import RetrievalStore
from latent_rag_ros.training.train_code_predictor import (
    CodePredictorSettings, CodePredictorTraining, after_transport, spread_excess)

SETTINGS = CodePredictorSettings(iterations=12, batch=4, learning_rate=1e-2)


@pytest.fixture(scope='module')
def replacer() -> LatentRagReplacer:
    torch.manual_seed(3)
    embedder, generator = (network.eval().requires_grad_(False)
                           for network in (Embedder(), Generator()))
    codes = torch.randn(LAYERS, CODE_DIMENSION) + torch.randn(40, LAYERS, CODE_DIMENSION)
    with torch.no_grad():
        features = embedder.embed(generator(codes))
    store = RetrievalStore(features, codes, torch.arange(40), {})
    return LatentRagReplacer(embedder, generator, store, PRESETS['robot_t10'])


def weights_of(network: torch.nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten() for value in network.state_dict().values()])


def test_training_lowers_the_loss_of_the_fused_codes(crops, replacer, tmp_path):
    training = CodePredictorTraining(crops, replacer, SETTINGS, tmp_path)
    pictures = crops.tensor(np.arange(0, 120, 15))
    with torch.no_grad():
        features = replacer.embedder.embed(pictures)
        rows = replacer.retrieve(features)
        fused, reached = replacer.fuse(rows), replacer.neighbours(rows)

        def loss(codes: torch.Tensor) -> float:
            return float(training.losses(pictures, features, codes, np.random.default_rng(0))[0])

        before = loss(fused)
    predictor = training.run()
    with torch.no_grad():
        assert loss(predictor(features, reached, fused)) < 0.95 * before


def test_interrupted_training_ends_like_an_uninterrupted_one(crops, replacer, tmp_path):
    settings = CodePredictorSettings(iterations=3, batch=2)
    expected = CodePredictorTraining(crops, replacer, settings, tmp_path / 'whole').run()
    broken = CodePredictorTraining(crops, replacer, settings, tmp_path / 'broken')
    broken.trainer.schedule = type(broken.trainer.schedule)(
        **(vars(broken.trainer.schedule) | {'checkpoint_every': 1}))

    def step(iteration, random):
        if iteration == 2:
            raise KeyboardInterrupt
        return broken.step(iteration, random)

    with pytest.raises(KeyboardInterrupt):
        broken.trainer.run(step)
    resumed = CodePredictorTraining(crops, replacer, settings, tmp_path / 'broken').run()
    assert torch.equal(weights_of(resumed), weights_of(expected))


@pytest.mark.parametrize('jpeg_share', [0.0, 1.0])
def test_pictures_after_transport_are_8_bit_and_let_gradients_through(jpeg_share):
    images = torch.rand(2, 3, 32, 16, generator=torch.Generator().manual_seed(1))
    images.requires_grad_(True)
    seen = after_transport(images, jpeg_share, 90, np.random.default_rng(0))
    levels = seen.detach() * 255
    torch.testing.assert_close(levels, levels.round(), rtol=0, atol=1e-3)
    rounded = (levels - (images.detach() * 255).round()).abs().max()
    assert rounded > 1 if jpeg_share else rounded < 1e-3
    seen.sum().backward()
    assert torch.equal(images.grad, torch.ones_like(images))


def test_codes_inside_the_spread_of_the_store_cost_nothing():
    inside = torch.full((2, 10, 64), 0.9)
    assert spread_excess(inside) == 0
    assert spread_excess(2 * inside) > 0.5
