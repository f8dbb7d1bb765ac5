"""A fresh reversal module as attacker: the one that the extractor never trained against."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import Budget, Images
from latent_rag_ros.evaluation.embedding import to_images
from latent_rag_ros.feature_privacy.attacker import (
    INFERENCE_BATCH, CollectedFeatures, Material, eight_bit)
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace
from latent_rag_ros.feature_privacy.reversal_module import ReversalModule, ReversalSettings
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.training.trainer import Schedule, Trainer

BATCH = 32
DRAWS = 4
"""Pictures drawn per feature."""


class GanAttacker:
    """See `attacker.FeatureAttacker`.

    Parameters
    ----------
    judge : Embedder
        Frozen network of the perceptual distance.
    device : str
        `cpu` or `cuda:N`.
    batch : int
        Pictures of one step.
    """

    name = 'gan'

    def __init__(self, judge: Embedder, device: str = 'cpu', batch: int = BATCH) -> None:
        self.judge, self.device, self.batch = judge, torch.device(device), batch
        self.space: FeatureSpace | None = None
        self._module: ReversalModule | None = None

    def fit(self, collected: CollectedFeatures, budget: Budget, directory: Path) -> None:
        """Train a new generator and discriminator; the averaged generator remains."""
        material = Material(collected, budget.seed, str(self.device))
        settings = ReversalSettings()
        torch.manual_seed(budget.seed)
        module = ReversalModule(material.space.dimension, settings, self.judge, self.device,
                                mean_picture=material.mean_crop())

        def step(_: int, random: np.random.Generator) -> dict[str, float]:
            rows = random.choice(material.training, min(self.batch, len(material.training)), False)
            return module.update(*material.batch(rows))

        trainer = Trainer(module.networks, module.optimisers, Schedule(
            budget.iterations, settings.learning_rate, seed=budget.seed), directory, self.name)
        module.generator = trainer.run(step)['generator']
        self._module, self.space = module, material.space

    @torch.no_grad()
    def reverse(self, features: NDArray[np.float32]) -> list[Images]:
        """Return several draws per feature (n, d); raises `RuntimeError` before `fit`."""
        if self._module is None or self.space is None:
            raise RuntimeError(f'{self.name} has not been trained; call fit first')
        rows = torch.from_numpy(self.space.coordinates(features)).to(self.device)
        torch.manual_seed(0)
        return [to_images(torch.cat([eight_bit(self._module.pictures(part))
                                     for part in rows.split(INFERENCE_BATCH)]))
                for _ in range(DRAWS)]
