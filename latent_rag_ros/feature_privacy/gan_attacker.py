"""A fresh reversal module as attacker: the one that the extractor never trained against."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.feature_privacy.attacker import Material
from latent_rag_ros.feature_privacy.network_attacker import NetworkAttacker
from latent_rag_ros.feature_privacy.reversal_module import ReversalModule, ReversalSettings
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.training.trainer import Schedule, Trainer


class GanAttacker(NetworkAttacker):
    """Several draws of a generator that had to look real to a discriminator.

    Parameters
    ----------
    judge : Embedder
        Frozen network of the perceptual distance.
    device : str
        `cpu` or `cuda:N`.
    batch : int
        Pictures of one step; 0 takes 32.
    """

    name = 'gan'
    draws = 4

    def __init__(self, judge: Embedder, device: str = 'cpu', batch: int = 0) -> None:
        super().__init__(device, batch)
        self.judge = judge

    def _trained(self, material: Material, budget: Budget, directory: Path) -> nn.Module:
        """Return the averaged generator of the last iteration."""
        settings = ReversalSettings()
        module = ReversalModule(material.space.dimension, settings, self.judge, self.device,
                                mean_picture=material.mean_crop())

        def step(_: int, random: np.random.Generator) -> dict[str, float]:
            """Update generator and discriminator once."""
            rows = random.choice(material.training, min(self.batch, len(material.training)), False)
            return module.update(*material.batch(rows))

        trainer = Trainer(module.networks, module.optimisers, Schedule(
            budget.iterations, settings.learning_rate, seed=budget.seed), directory, self.name)
        self._module = module
        return trainer.run(step)['generator']

    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        return self._module.pictures(features, network)
