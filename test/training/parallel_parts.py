"""What the processes of `test_data_parallel` do; they import it by this name."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from latent_rag_ros.training import data_parallel
from latent_rag_ros.training.trainer import Schedule, Trainer


def train(directory: Path) -> None:
    """Learn a linear map from numbers that differ by process, and keep what came out."""
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    seen = []

    def step(iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step."""
        numbers = torch.from_numpy(random.standard_normal((4, 3)).astype(np.float32))
        seen.append(numbers)
        loss = (network(numbers) - numbers.sum(1, keepdim=True)).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return {'loss': float(loss.detach())}
    Trainer({'linear': network}, {'linear': optimiser},
            Schedule(5, 0.1, warm_up_iterations=1), directory, 'linear').run(step)
    rank, count = data_parallel.rank(), data_parallel.process_count()
    torch.save({'weight': network.weight.detach(), 'seen': torch.stack(seen)},
               directory / f'{rank}_of_{count}.pt')


def fail() -> None:
    """Fail."""
    raise ArithmeticError('nothing works')
