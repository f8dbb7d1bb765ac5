"""The decoder as attacker: least squares from features to pictures (Dosovitskiy, Brox, 2016)."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task
from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.feature_privacy.attacker import Material
from latent_rag_ros.feature_privacy.coordinate_network import CoordinateNetwork
from latent_rag_ros.feature_privacy.network_attacker import NetworkAttacker

LEARNING_RATE, DROPOUT = 1e-3, 0.5


class DecoderAttacker(NetworkAttacker):
    """One guess, the mean of what a feature may stand for."""

    name = 'decoder'

    def _trained(self, material: Material, budget: Budget, directory: Path) -> nn.Module:
        """Return the weights that do best on people kept apart, the linear guess included."""
        network = CoordinateNetwork(material.linear, material.scale, dropout=DROPOUT)

        def loss(network: nn.Module, rows: NDArray[np.int64]) -> Tensor:
            """Return the squared error on training rows."""
            chosen = torch.from_numpy(rows).to(self.device)
            return material.error(network(material.features[chosen]), material.pictures[chosen])

        def validation_loss(network: nn.Module) -> float:
            """Return the squared error on the people kept apart."""
            features, pictures = material.validation
            return float(material.error(network(features), pictures))

        task = Task(len(material), loss, validation_loss, self.batch, LEARNING_RATE)
        return BestTraining(network.to(self.device), task, budget, directory, self.name).run()

    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        return network(features)
