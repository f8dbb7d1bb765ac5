"""The trainings make weights that load, continue where they stopped, and learn."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.generator import load_generator
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.training.train_embedder import (
    EmbedderSettings, EmbedderTraining, train_embedder)
from latent_rag_ros.training.train_generator import (
    GeneratorSettings, GeneratorTraining, train_generator)

EMBEDDER = EmbedderSettings(iterations=3, identities_per_batch=8, crops_per_identity=2)


def weights_of(network: torch.nn.Module) -> torch.Tensor:
    """Return all weights in one row."""
    return torch.cat([value.flatten() for value in network.state_dict().values()
                      if value.is_floating_point()])


def test_interrupted_training_ends_like_an_uninterrupted_one(crops, tmp_path):
    class Interrupted(Exception):
        """Ends a run as a power cut does."""

    whole = EmbedderTraining(crops, EMBEDDER, tmp_path / 'whole')
    expected = whole.run()
    broken = EmbedderTraining(crops, EMBEDDER, tmp_path / 'broken')
    broken.trainer.schedule = whole.trainer.schedule.__class__(
        **(vars(whole.trainer.schedule) | {'checkpoint_every': 1}))

    def step(iteration, random):
        if iteration == 2:
            raise Interrupted
        return EmbedderTraining.step(broken, iteration, random)

    try:
        broken.trainer.run(step)
    except Interrupted:
        pass
    resumed = EmbedderTraining(crops, EMBEDDER, tmp_path / 'broken')
    assert torch.equal(weights_of(resumed.run()), weights_of(expected))
    log = (tmp_path / 'broken' / 'embedder.log.jsonl').read_text().splitlines()
    assert [json.loads(row)['iteration'] for row in log] == [1, 2, 3]


def test_interrupted_generator_goes_on_with_both_of_its_optimisers(crops, tmp_path):
    torch.manual_seed(0)
    embedder = Embedder().eval().requires_grad_(False)
    settings = GeneratorSettings(iterations=3, batch=2, adversarial_from_share=0.0)
    whole = GeneratorTraining(crops, embedder, settings, tmp_path / 'whole')
    expected = whole.run()
    broken = GeneratorTraining(crops, embedder, settings, tmp_path / 'broken')
    broken.trainer.schedule = replace(whole.trainer.schedule, checkpoint_every=1)

    def step(iteration, random):
        if iteration == 2:
            raise KeyboardInterrupt
        return broken.step(iteration, random)

    with pytest.raises(KeyboardInterrupt):
        broken.trainer.run(step)
    resumed = GeneratorTraining(crops, embedder, settings, tmp_path / 'broken').run()
    for name, network in expected.items():
        assert torch.equal(weights_of(resumed[name]), weights_of(network))


@torch.no_grad()
def separation(network: Embedder, crops: Crops) -> float:
    """Return how much more alike two crops of one person are than two of different people."""
    features = network.eval().embed(crops.tensor(np.arange(120)))
    similarity = (features @ features.t()).numpy()
    same = crops.identities[:, None] == crops.identities[None]
    return float(similarity[same].mean() - similarity[~same].mean())


def test_embedder_tells_people_apart_after_some_steps(crops, tmp_path):
    settings = EmbedderSettings(iterations=25, identities_per_batch=8, crops_per_identity=2)
    torch.manual_seed(0)
    before = separation(Embedder(), crops)
    assert separation(EmbedderTraining(crops, settings, tmp_path).run(), crops) > before + 0.05


def test_generator_training_reconstructs_better_with_every_part_of_its_loss(crops, tmp_path):
    torch.manual_seed(0)
    settings = GeneratorSettings(iterations=12, batch=8, adversarial_from_share=0.5)
    training = GeneratorTraining(crops, Embedder().eval().requires_grad_(False), settings,
                                 tmp_path)
    batch = crops.tensor(np.arange(8))
    before = training.reconstruct(batch)[2]
    networks = training.run()
    after = training.reconstruct(batch)[2]
    assert after['pixels'] < before['pixels'] and after['pooled'] < before['pooled']
    rows = [json.loads(row) for row in
            (tmp_path / 'generator.log.jsonl').read_text().splitlines()]
    assert {'pixels', 'features', 'identity', 'discriminator', 'adversarial'} <= rows[-1].keys()
    assert set(networks) == {'encoder', 'generator'}


def test_files_load_after_training(crops, tmp_path):
    train_embedder(crops, tmp_path, EMBEDDER)
    train_generator(crops, tmp_path / 'embedder.safetensors', tmp_path,
                    GeneratorSettings(iterations=2, batch=4))
    crop = crops.tensor(np.arange(2))
    with torch.no_grad():
        codes = load_encoder(tmp_path / 'encoder.safetensors')(crop)
        images = load_generator(tmp_path / 'generator.safetensors')(codes)
        features = load_embedder(tmp_path / 'embedder.safetensors').embed(images)
    assert images.shape == crop.shape
    assert torch.allclose(features.norm(dim=1), torch.ones(2), atol=1e-3)
