"""The double adversarial training: its two steps, its warm-up, its end, and what it writes."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_rag_ros.feature_privacy.double_adversarial import DoubleAdversarialTraining
from latent_rag_ros.feature_privacy.labelled_features import LabelledFeatures, labelled_features
from latent_rag_ros.feature_privacy.protection_head import (
    BOTTLENECK, ProtectedExtractor, ProtectionHead, load_protection_head)
from latent_rag_ros.feature_privacy.reversal_module import ReversalSettings, conditions
from latent_rag_ros.feature_privacy.settings import ProtectionSettings
from latent_rag_ros.feature_privacy.train_protection_head import train_protection_head
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.weights.registry import sha256_of
from latent_rag_ros.weights.tensors import load_tensors

SETTINGS = ProtectionSettings(
    seed=3, iterations=4, crops_per_identity=4, identities_per_batch=4,
    crops_per_batch_identity=2, anchors_per_batch=2, warm_up_iterations=1, ramp_iterations=1,
    lazy_every=2, linear_every=3)


def settings(**changes) -> ProtectionSettings:
    """Return settings of a run of four iterations, the first one a warm-up."""
    return replace(SETTINGS, **changes)


@pytest.fixture(scope='module')
def people(crops, judge) -> LabelledFeatures:
    """Return features of the crops by a network with random weights."""
    return labelled_features(crops, judge, 4, 0, torch.device('cpu'))


def values_of(network: torch.nn.Module) -> torch.Tensor:
    """Return all parameters in one row."""
    return torch.cat([value.detach().flatten().clone() for value in network.parameters()])


def watched(training: DoubleAdversarialTraining) -> list[dict[str, bool]]:
    """Run a training and return what moved in each iteration."""
    parts = {'extractor': training.head, 'generator': training.reversal.generator,
             'seen': training.lazy.seen}
    moved = []

    def step(iteration, random):
        before = {name: values_of(part) for name, part in parts.items()}
        losses = DoubleAdversarialTraining.step(training, iteration, random)
        moved.append({name: not torch.equal(before[name], values_of(part))
                      for name, part in parts.items()})
        return losses

    training.trainer.run(step)
    return moved


def test_every_k_moves_the_reversal_module_in_the_warm_up_and_in_every_kth_step(
        people, tmp_path):
    training = DoubleAdversarialTraining(people, settings(
        lazy_reading='every_k', linear_every=100), tmp_path)
    moved = watched(training)
    assert [row['extractor'] for row in moved] == [False, True, True, True]
    assert [row['generator'] for row in moved] == [True, False, True, False]


def test_slow_copy_moves_later_than_the_generator(people, tmp_path):
    training = DoubleAdversarialTraining(people, settings(), tmp_path)
    moved = watched(training)
    assert all(row['generator'] for row in moved)
    assert [row['seen'] for row in moved] == [True, False, True, False]


def test_interrupted_training_ends_like_an_uninterrupted_one(people, tmp_path):
    class Interrupted(Exception):
        """Ends a run as a power cut does."""

    whole = DoubleAdversarialTraining(people, settings(), tmp_path / 'whole').run()
    broken = DoubleAdversarialTraining(people, settings(), tmp_path / 'broken')
    broken.trainer.schedule = type(broken.trainer.schedule)(
        **(vars(broken.trainer.schedule) | {'checkpoint_every': 1}))

    def step(iteration, random):
        if iteration == 2:
            raise Interrupted
        return DoubleAdversarialTraining.step(broken, iteration, random)

    with pytest.raises(Interrupted):
        broken.trainer.run(step)
    resumed = DoubleAdversarialTraining(people, settings(), tmp_path / 'broken').run()
    assert torch.equal(values_of(resumed), values_of(whole))


def test_privacy_loss_is_bounded_and_scale_wins_nothing(people, tmp_path):
    training = DoubleAdversarialTraining(people, settings(), tmp_path)
    training.run()
    pictures = people.pictures[::2][:8]  # two crops each of four people
    features = torch.randn(8, BOTTLENECK).requires_grad_()

    def loss(scale: float) -> torch.Tensor:
        torch.manual_seed(5)
        return training.privacy_loss(conditions(scale * features), pictures)

    first = loss(1.0)
    assert 0 <= first.item() <= 1
    assert torch.allclose(first, loss(1000.0), atol=1e-3)
    first.backward()
    along = (features.grad * features.detach()).sum(1) / features.detach().norm(dim=1)
    assert along.abs().max() < 1e-3 * features.grad.norm(dim=1).max() + 1e-7


@pytest.mark.parametrize('kind, name', [('gan', 'protection_head'),
                                        ('decoder', 'decoder_protection_head')])
def test_written_file_is_a_head_without_its_reversal_module(kind, name, crops, plain_file,
                                                            tmp_path):
    path = train_protection_head(crops, plain_file, tmp_path, settings(
        reversal=ReversalSettings(kind=kind), warm_up_iterations=2))
    assert path.name == f'{name}.safetensors'
    tensors, metadata = load_tensors(path)
    assert set(tensors) == set(ProtectionHead().state_dict())
    assert json.loads(metadata['training'])['reversal']['kind'] == kind
    head = load_protection_head(path, sha256_of(plain_file))
    plain = load_embedder(plain_file)
    features = ProtectedExtractor(plain, head).embed(crops.tensor(torch.arange(2).numpy()))
    assert torch.allclose(features.norm(dim=1), torch.ones(2), atol=1e-3)
    row = json.loads((tmp_path / f'{name}.log.jsonl').read_text().splitlines()[-1])
    assert {'identity', 'triplet', 'privacy', 'reversal_error'} <= row.keys()


def test_features_carry_the_picture_of_their_own_row(crops, people, judge):
    row = int(np.flatnonzero(people.identities == crops.identities[4])[0])
    own = crops.tensor(np.flatnonzero(crops.identities == crops.identities[4]))
    with torch.no_grad():
        cosines = judge.embed(own) @ people.features[row]
    assert cosines.max() > 0.99
    assert len(people.features) == len(people.pictures) == len(people.identities) == 192


def test_weight_of_the_privacy_loss_rises_and_stays():
    plan = settings(privacy_weight=4.0, ramp_iterations=4)
    assert [plan.weight(step) for step in (0, 1, 3, 50)] == [1.0, 2.0, 4.0, 4.0]


def test_warm_up_that_leaves_nothing_is_refused():
    with pytest.raises(ValueError, match='leave some to the extractor'):
        settings(warm_up_iterations=4)
