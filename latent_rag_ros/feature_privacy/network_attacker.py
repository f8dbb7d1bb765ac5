"""What the attackers on identity features share: train on what was collected, draw, tidy up."""
from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.interface import Budget, Images
from latent_rag_ros.evaluation.embedding import to_images
from latent_rag_ros.feature_privacy.attacker import (
    INFERENCE_BATCH, CollectedFeatures, Material, eight_bit)
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace
from latent_rag_ros.feature_privacy.picture_space import PictureSpace


class NetworkAttacker(ABC):
    """An `attacker.FeatureAttacker` that is one network.

    Parameters
    ----------
    device : str
        `cpu` or `cuda:N`.
    batch : int
        Pictures of one step.
    """

    name: str
    draws = 1
    """Guesses per feature."""

    def __init__(self, device: str = 'cpu', batch: int = 128) -> None:
        self.device, self.batch = torch.device(device), batch
        self.space: FeatureSpace | None = None
        self._network: nn.Module | None = None
        self._pictures: PictureSpace | None = None

    def fit(self, collected: CollectedFeatures, budget: Budget, directory: Path) -> None:
        """Train a new network; whatever is kept for resuming goes below `directory`."""
        material = Material(collected, budget.seed, str(self.device))
        torch.manual_seed(budget.seed)
        self._network = self._trained(material, budget, directory).to(self.device)
        self.space, self._pictures = material.space, material.picture_space

    @torch.no_grad()
    def reverse(self, features: NDArray[np.float32]) -> list[Images]:
        """Return `draws` guesses per feature (n, d); raises `RuntimeError` before `fit`."""
        if self._network is None or self.space is None:
            raise RuntimeError(f'{self.name} has not been trained; call fit first')
        rows = torch.from_numpy(self.space.coordinates(features)).to(self.device)
        torch.manual_seed(0)
        return [to_images(torch.cat([
            eight_bit(self._pictures.pictures(self._drawn(self._network, part)))
            for part in rows.split(INFERENCE_BATCH)])) for _ in range(self.draws)]

    @abstractmethod
    def _trained(self, material: Material, budget: Budget, directory: Path) -> nn.Module:
        """Return a network trained on the material from scratch."""

    @abstractmethod
    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        """Return the coordinates of one picture per feature (n, d), shape (n, k)."""
