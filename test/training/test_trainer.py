"""The loop under every training: schedule, running average, and checkpoints that stay whole."""
from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from latent_rag_ros.training.checkpoint import load_checkpoint, save_checkpoint
from latent_rag_ros.training.trainer import Schedule, Trainer


def trainer_of(network: nn.Module, directory: Path, schedule: Schedule,
               scale: float = 1.0) -> Trainer:
    """Return a trainer of one network with one group of parameters."""
    optimiser = torch.optim.SGD([{'params': [*network.parameters()], 'scale': scale}], lr=1.0)
    return Trainer({'network': network}, {'optimiser': optimiser}, schedule, directory, 'run')


def test_rate_rises_at_first_and_ends_at_its_final_share() -> None:
    schedule = Schedule(1000, 0.1, warm_up_iterations=100, final_share=0.01)
    rates = [schedule.rate(iteration) for iteration in range(1000)]
    assert rates[0] == pytest.approx(0.001)
    assert 0.095 < max(rates) <= 0.1 and 50 < rates.index(max(rates)) < 150
    assert rates[200:] == sorted(rates[200:], reverse=True)
    assert rates[-1] == pytest.approx(0.001, rel=0.01)


def test_groups_learn_at_their_share_of_the_rate(tmp_path: Path) -> None:
    schedule = Schedule(3, 0.1, warm_up_iterations=1)
    trainer = trainer_of(nn.Linear(1, 1), tmp_path, schedule, scale=0.2)
    seen = []
    trainer.run(lambda *_: seen.append(
        trainer.optimisers['optimiser'].param_groups[0]['lr']) or {})
    assert seen == pytest.approx([0.2 * schedule.rate(iteration) for iteration in range(3)])


def test_average_follows_the_weights_slower_and_copies_the_statistics(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    trainer = trainer_of(network, tmp_path, Schedule(400, 0.1, average_decay=0.9))

    def step(iteration: int, _: object) -> dict[str, float]:
        with torch.no_grad():
            network[0].weight.fill_(float(iteration))
            network[1].running_mean.fill_(float(iteration))
        return {}

    average = trainer.run(step)['network']
    # a weight that rises by 1 a step is followed decay / (1 - decay) steps behind
    assert average[0].weight.item() == pytest.approx(399 - 0.9 / 0.1, abs=0.01)
    assert average[1].running_mean.item() == 399
    assert not average.training and not any(
        values.requires_grad for values in average.parameters())


def test_average_is_the_network_itself_at_first(tmp_path: Path) -> None:
    network = nn.Linear(1, 1)
    trainer = trainer_of(network, tmp_path, Schedule(1, 0.1, average_decay=0.999))
    average = trainer.run(lambda *_: network.weight.data.fill_(7.0) and {})['network']
    assert average.weight.item() == 7


def test_checkpoint_stays_whole_when_writing_the_next_one_fails(tmp_path: Path) -> None:
    path = tmp_path / 'run.checkpoint'
    save_checkpoint(path, {'iteration': 1, 'weights': torch.ones(3)})
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_checkpoint(path, {'iteration': 2, 'weights': lambda: None})
    state = load_checkpoint(path)
    assert state['iteration'] == 1 and torch.equal(state['weights'], torch.ones(3))


def test_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save({'iteration': 1, 'weights': Path('anything')}, tmp_path / 'run.checkpoint')
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(tmp_path / 'run.checkpoint')


def test_there_is_no_checkpoint_before_the_first_run(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / 'run.checkpoint') is None
