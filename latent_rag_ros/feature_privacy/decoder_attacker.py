"""The decoder as attacker: least squares from features to pixels (Dosovitskiy and Brox, 2016)."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task
from latent_rag_ros.evaluation.attacks.interface import Budget, Images
from latent_rag_ros.evaluation.embedding import to_images
from latent_rag_ros.feature_privacy.attacker import (
    INFERENCE_BATCH, CollectedFeatures, Material, eight_bit, person_error)
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace
from latent_rag_ros.feature_privacy.reversal_generator import ReversalGenerator

BATCH = 32
LEARNING_RATE = 1.5e-3


class DecoderAttacker:
    """See `attacker.FeatureAttacker`; one guess, the mean of what a feature may stand for.

    Parameters
    ----------
    device : str
        `cpu` or `cuda:N`.
    batch : int
        Pictures of one step.
    """

    name = 'decoder'

    def __init__(self, device: str = 'cpu', batch: int = BATCH) -> None:
        self.device, self.batch = torch.device(device), batch
        self.space: FeatureSpace | None = None
        self._network: nn.Module | None = None

    def fit(self, collected: CollectedFeatures, budget: Budget, directory: Path) -> None:
        """Train a new decoder; the weights that do best on people kept apart remain."""
        material = Material(collected, budget.seed, str(self.device))
        torch.manual_seed(budget.seed)
        network = ReversalGenerator(material.space.dimension, 0,
                                    material.mean_crop()).to(self.device)

        def loss(network: nn.Module, rows: NDArray[np.int64]) -> Tensor:
            features, crops, person = material.batch(rows)
            return person_error(self._drawn(network, features), crops, person).mean()

        def validation_loss(network: nn.Module) -> float:
            return float(np.mean([float(loss(network, rows))
                                  for rows in material.validation_parts()]))

        task = Task(len(material.training),
                    lambda network, rows: loss(network, material.training[rows]),
                    validation_loss, self.batch, LEARNING_RATE)
        self._network = BestTraining(network, task, budget, directory, self.name).run()
        self.space = material.space

    @torch.no_grad()
    def reverse(self, features: NDArray[np.float32]) -> list[Images]:
        """Return one guess per feature (n, d); raises `RuntimeError` before `fit`."""
        if self._network is None or self.space is None:
            raise RuntimeError(f'{self.name} has not been trained; call fit first')
        rows = torch.from_numpy(self.space.coordinates(features)).to(self.device)
        return [to_images(torch.cat([eight_bit(self._drawn(self._network, part))
                                     for part in rows.split(INFERENCE_BATCH)]))]

    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return network(features, features[:, :0]).float()
