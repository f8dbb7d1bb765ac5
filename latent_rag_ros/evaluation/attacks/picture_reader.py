"""What attackers share that read something off a protected picture: training and inference."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task, fingerprint
from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget, Images
from latent_rag_ros.evaluation.attacks.pairs import validation_rows
from latent_rag_ros.evaluation.embedding import to_crops

INFERENCE_BATCH = 64


class PictureReader:
    """Learns from protected pictures and what is known of their originals.

    Who inherits says which network, what it loses, and how a batch is varied in training.

    Parameters
    ----------
    name : str
        Key in the results.
    device : str
        `cpu` or `cuda:N`.
    """

    batch, learning_rate = 24, 2e-3

    def __init__(self, name: str, device: str = 'cpu') -> None:
        self.name, self.device = name, device
        self._fitted: nn.Module | None = None
        self.validation_losses: list[float] = []
        """Learning curve of the last training, see `BestTraining`."""

    def make_network(self, wanted: NDArray, training: NDArray[np.int64]) -> nn.Module:
        """Return a fresh network for answers like `wanted`; only rows `training` may be known."""
        raise NotImplementedError

    def loss(self, outputs: Tensor, wanted: NDArray) -> Tensor:
        """Return the loss of the network's outputs against the answers of the same rows."""
        raise NotImplementedError

    def varied(self, crops: Tensor) -> Tensor:
        """Return crops (n, 3, 128, 64) as a batch of the training sees them: as they are."""
        return crops

    def train(self, pairs: AttackPairs, wanted: NDArray, budget: Budget,
              directory: Path) -> None:
        """Train from scratch; `wanted` has one answer per pair.

        A tenth of the people is kept for validation.
        """
        apart = validation_rows(pairs.identities, budget.seed)
        training, validation = np.flatnonzero(~apart), np.flatnonzero(apart)
        torch.manual_seed(budget.seed)
        network = self.make_network(wanted, training).to(
            self.device, memory_format=torch.channels_last)

        def crops(rows: NDArray[np.int64]) -> Tensor:
            """Return protected pictures by row."""
            return to_crops(pairs.protected[rows], self.device)

        task = Task(
            len(training), lambda network, rows: self.loss(
                self._outputs(network, self.varied(crops(training[rows]))),
                wanted[training[rows]]),
            lambda network: float(self.loss(self._outputs(network, crops(validation)),
                                            wanted[validation])),
            self.batch, self.learning_rate)
        name = f'{self.name}-{fingerprint(budget, pairs.protected, wanted)}'
        best = BestTraining(network, task, budget, directory, name)
        self._fitted, self.validation_losses = best.run(), best.validation_losses

    @torch.no_grad()
    def outputs(self, protected: Images) -> Tensor:
        """Return the network's outputs on pictures; raises `RuntimeError` before training."""
        if self._fitted is None:
            raise RuntimeError(f'{self.name} has not been trained; call fit first')
        return torch.cat([
            self._outputs(self._fitted, to_crops(protected[start:start + INFERENCE_BATCH],
                                                 self.device))
            for start in range(0, len(protected), INFERENCE_BATCH)])

    def _outputs(self, network: nn.Module, crops: Tensor) -> Tensor:
        crops = crops.contiguous(memory_format=torch.channels_last)
        with torch.autocast(crops.device.type, torch.bfloat16):
            return network(crops).float()
