"""Processes that train together end with one network, that of all of their pictures."""
from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from latent_rag_ros.training import data_parallel
from latent_rag_ros.training.trainer import Schedule

sys.path.insert(0, str(Path(__file__).resolve().parent))

from parallel_parts import fail, train  # noqa: E402


def test_processes_end_with_one_network(tmp_path: Path) -> None:
    data_parallel.run_in_processes(functools.partial(train, tmp_path), 2, tmp_path / 'meeting')
    first, second = (torch.load(tmp_path / f'{rank}_of_2.pt') for rank in (0, 1))
    assert torch.equal(first['weight'], second['weight'])
    assert not torch.equal(first['seen'], second['seen'])
    assert not (tmp_path / 'meeting').exists()
    assert len((tmp_path / 'linear.log.jsonl').read_text(encoding='utf-8').splitlines()) == 1


def test_step_of_two_processes_is_the_step_of_all_their_pictures(tmp_path: Path) -> None:
    data_parallel.run_in_processes(functools.partial(train, tmp_path), 2, tmp_path / 'meeting')
    parts = [torch.load(tmp_path / f'{rank}_of_2.pt') for rank in (0, 1)]
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    schedule = Schedule(5, 0.1, warm_up_iterations=1)
    for iteration in range(5):
        numbers = torch.cat([part['seen'][iteration] for part in parts])
        loss = (network(numbers) - numbers.sum(1, keepdim=True)).square().mean()
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(network.parameters(), gradients):
                parameter -= schedule.rate(iteration) * gradient
    torch.testing.assert_close(parts[0]['weight'], network.weight.detach())


def test_one_process_meets_nobody(tmp_path: Path) -> None:
    data_parallel.run_in_processes(functools.partial(train, tmp_path), 1, tmp_path / 'meeting')
    assert (tmp_path / '0_of_1.pt').exists()
    with pytest.raises(ValueError, match='at least 1'):
        data_parallel.run_in_processes(fail, 0, tmp_path / 'meeting')


def test_failure_of_one_process_is_a_failure_of_all(tmp_path: Path) -> None:
    with pytest.raises(torch.multiprocessing.ProcessRaisedException, match='nothing works'):
        data_parallel.run_in_processes(fail, 2, tmp_path / 'meeting')
