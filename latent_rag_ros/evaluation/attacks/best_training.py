"""Trains the network of an attacker and keeps the weights that do best on other people."""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.training.checkpoint import load_checkpoint, save_checkpoint
from latent_rag_ros.training.trainer import Schedule, Trainer

VALIDATIONS = 10
"""How often a run looks at the validation people."""

WARM_UP_SHARE = 0.1
"""Share of the iterations during which the learning rate rises."""


@dataclass(frozen=True)
class Task:
    """What a network learns.

    Parameters
    ----------
    rows : int
        Number of training samples.
    loss : Callable
        Loss of a network in training mode on a batch of rows, shape (batch,).
    validation_loss : Callable
        What a network in evaluation mode loses on people it was not trained on; the lowest wins.
    batch : int
        Rows of one step, drawn with replacement from one step to the next.
    learning_rate : float
        Highest learning rate, of Adam.
    """

    rows: int
    loss: Callable[[nn.Module, NDArray[np.int64]], Tensor]
    validation_loss: Callable[[nn.Module], float]
    batch: int = 24
    learning_rate: float = 2e-3


class BestTraining:
    """One training by `training.trainer`, resumable and the same for the same seed.

    The untrained network takes part in the comparison: one that says nothing before training,
    such as "the mean image", is what remains where there is nothing to learn.

    Parameters
    ----------
    network : nn.Module
        On its device; it is trained in place.
    task : Task
    budget : Budget
    directory : Path
        Where checkpoints go.
    name : str
        Name of the run; must differ between different data, see `fingerprint`.
    """

    def __init__(self, network: nn.Module, task: Task, budget: Budget, directory: Path,
                 name: str) -> None:
        self._network, self._task = network, task
        self._optimiser = torch.optim.Adam(network.parameters(), betas=(0.9, 0.98))
        self._every = max(1, budget.iterations // VALIDATIONS)
        schedule = Schedule(
            budget.iterations, task.learning_rate, seed=budget.seed, checkpoint_every=self._every,
            warm_up_iterations=max(1, round(WARM_UP_SHARE * budget.iterations)))
        self._trainer = Trainer({'network': network}, {'optimiser': self._optimiser}, schedule,
                                directory, name)
        self._last = budget.iterations
        self._best_file = directory / f'{name}.best'
        self._losses_file = directory / f'{name}.losses'
        self._losses: dict[int, float] = (load_checkpoint(self._losses_file) or {}).get(
            'losses', {})

    @property
    def validation_losses(self) -> list[float]:
        """The learning curve: what the untrained network lost, then one value per validation."""
        return [loss for _, loss in sorted(self._losses.items())]

    def run(self) -> nn.Module:
        """Return the averaged network of the best validation, frozen, in evaluation mode."""
        network = self._trainer.run(self._step)['network']
        self._keep_if_best(network, self._last)
        network.load_state_dict(load_checkpoint(self._best_file)['network'])
        return network.eval()

    def _step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        if iteration % self._every == 0:
            self._keep_if_best(self._trainer.averages['network'].eval(), iteration)
        rows = random.choice(self._task.rows, min(self._task.batch, self._task.rows), False)
        loss = self._task.loss(self._network.train(), rows)
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimiser.step()
        return {'loss': float(loss.detach())}

    @torch.no_grad()
    def _keep_if_best(self, network: nn.Module, iteration: int) -> None:
        loss = self._task.validation_loss(network)
        self._losses[iteration] = float(loss)
        save_checkpoint(self._losses_file, {'losses': self._losses})
        best = load_checkpoint(self._best_file)
        if best is None or loss < best['loss']:
            save_checkpoint(self._best_file, {'loss': loss, 'network': network.state_dict()})


def fingerprint(budget: Budget, *arrays: NDArray) -> str:
    """Return 12 hexadecimal digits that differ when the budget or a value of the data differs."""
    digest = hashlib.sha256(repr(budget).encode())
    for array in arrays:
        digest.update(f'{array.dtype}{array.shape}'.encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:12]
