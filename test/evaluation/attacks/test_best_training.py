"""The training of attackers keeps the best weights, and goes on where it stopped."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task, fingerprint
from latent_rag_ros.evaluation.attacks.interface import Budget


def weight_task(validation_loss):
    """Return a task whose single weight wants to become 1."""
    return Task(8, lambda network, rows: (network.weight - 1).square().mean(), validation_loss,
                batch=4, learning_rate=0.1)


def fresh():
    """Return a network of one weight, 0."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    return network


def test_best_weights_are_kept_not_the_last(tmp_path):
    best = BestTraining(fresh(), weight_task(lambda network: abs(float(network.weight) - 0.4)),
                        Budget(100, 0), tmp_path, 'run').run()
    last = BestTraining(fresh(), weight_task(lambda network: -float(network.weight)),
                        Budget(100, 0), tmp_path, 'other').run()
    assert abs(float(best.weight) - 0.4) < 0.2 < abs(float(last.weight) - 0.4)


def test_untrained_network_is_kept_when_training_only_harms(tmp_path):
    kept = BestTraining(fresh(), weight_task(lambda network: float(network.weight)),
                        Budget(50, 0), tmp_path, 'run').run()
    assert float(kept.weight) == 0


def test_learning_curve_starts_before_training_and_ends_after_it(tmp_path):
    training = BestTraining(fresh(), weight_task(lambda network: 1 - float(network.weight)),
                            Budget(100, 0), tmp_path, 'run')
    training.run()
    assert len(training.validation_losses) == 11
    assert training.validation_losses[0] == 1 > training.validation_losses[-1]
    again = BestTraining(fresh(), weight_task(lambda network: 5.0), Budget(100, 0), tmp_path,
                         'run')
    assert again.validation_losses == training.validation_losses


def test_interrupted_training_ends_like_an_uninterrupted_one(tmp_path):
    class Interrupted(Exception):
        """Ends a run as a power cut does."""

    def loss(network, rows):
        if steps[0] == 0:
            raise Interrupted
        steps[0] -= 1
        wanted = torch.from_numpy(rows).float().mean() + torch.rand(())
        return (network.weight - wanted).square().mean()

    def trained(folder):
        task = Task(8, loss, lambda network: -float(network.weight), batch=4, learning_rate=0.1)
        return float(BestTraining(fresh(), task, Budget(20, 3), tmp_path / folder, 'run').run()
                     .weight)

    steps = [20]
    whole = trained('whole')
    steps = [9]
    with pytest.raises(Interrupted):
        trained('broken')
    steps = [12]
    assert trained('broken') == whole


def test_fingerprint_tells_data_and_budgets_apart():
    data = np.arange(6)
    prints = {fingerprint(Budget(1, 0), data), fingerprint(Budget(1, 0), data),
              fingerprint(Budget(2, 0), data), fingerprint(Budget(1, 1), data),
              fingerprint(Budget(1, 0), data + 1), fingerprint(Budget(1, 0), data.reshape(2, 3))}
    assert len(prints) == 5
