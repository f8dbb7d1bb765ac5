"""The decoder as attacker: least squares from features to pixels (Dosovitskiy and Brox, 2016)."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task
from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.feature_privacy.attacker import Material, person_error
from latent_rag_ros.feature_privacy.network_attacker import NetworkAttacker
from latent_rag_ros.feature_privacy.reversal_generator import ReversalGenerator

LEARNING_RATE = 1.5e-3


class DecoderAttacker(NetworkAttacker):
    """One guess, the mean of what a feature may stand for."""

    name = 'decoder'

    def _trained(self, material: Material, budget: Budget, directory: Path) -> nn.Module:
        """Return the weights that do best on people kept apart."""
        network = ReversalGenerator(material.space.dimension, 0,
                                    material.mean_crop()).to(self.device)

        def loss(network: nn.Module, rows: NDArray[np.int64]) -> Tensor:
            """Return the squared error on rows of the material."""
            features, crops, person = material.batch(rows)
            return person_error(self._drawn(network, features), crops, person).mean()

        def validation_loss(network: nn.Module) -> float:
            """Return the mean squared error on the people kept apart."""
            return float(np.mean([float(loss(network, rows))
                                  for rows in material.validation_parts()]))

        task = Task(len(material.training),
                    lambda network, rows: loss(network, material.training[rows]),
                    validation_loss, self.batch, LEARNING_RATE)
        return BestTraining(network, task, budget, directory, self.name).run()

    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return network(features, features[:, :0]).float()
