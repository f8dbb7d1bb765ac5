"""What an attacker on identity features is given, and what it gives back.

It has photographed people of its own and collected their features from the extractor under
attack, which is frozen. It is trained on these from scratch; nothing of the extractor's training,
least of all its reversal module, is within its reach. Then it reverses features of strangers.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.evaluation.attacks.interface import Budget, Images
from latent_rag_ros.evaluation.attacks.pairs import validation_rows
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace
from latent_rag_ros.feature_privacy.picture_space import OwnPictures

INFERENCE_BATCH = 64

RIDGES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Strengths of the regularisation that a linear fit is tried with, per training picture."""


@dataclass(frozen=True)
class CollectedFeatures:
    """Features with the pictures they were made of, row by row.

    Parameters
    ----------
    features : NDArray
        Shape (n, d), float32, as the extractor publishes them.
    pictures : OwnPictures
        What they were made of.
    identities : NDArray
        Shape (n,), int64.
    """

    features: NDArray[np.float32]
    pictures: OwnPictures
    identities: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raise `ValueError` when the parts do not have one row per picture."""
        rows = {len(self.features), len(self.pictures.images), len(self.pictures.masks),
                len(self.identities)}
        if len(rows) != 1:
            raise ValueError(f'features, images, masks and identities have {sorted(rows)} rows; '
                             'give one of each per picture')


class FeatureAttacker(Protocol):
    """Draws pictures from features. A new object knows nothing."""

    name: str
    """Key of this attacker in the results."""
    space: FeatureSpace | None
    """Its coordinates, from what it collected; None before `fit`."""

    def fit(self, collected: CollectedFeatures, budget: Budget, directory: Path) -> None:
        """Train from scratch; whatever is kept for resuming goes below `directory`."""

    def reverse(self, features: NDArray[np.float32]) -> list[Images]:
        """Return one or several guesses of the picture of each feature (n, d), each (n, ...)."""


class Material:
    """What was collected, ready for training: both sides as coordinates, a tenth kept apart.

    Parameters
    ----------
    collected : CollectedFeatures
    seed : int
        Chooses the tenth of the people that is kept for validation.
    device : str
        `cpu` or `cuda:N`.

    Attributes
    ----------
    features, pictures : Tensor
        Coordinates of training features and their pictures, shapes (n, d) and (n, k).
    validation : tuple of Tensor
        The same of the people kept apart.
    linear : Tensor
        The best linear map from one to the other, shape (d, k): where every attacker starts.
    scale : Tensor
        Standard deviation of each number of a picture, shape (k,).
    """

    def __init__(self, collected: CollectedFeatures, seed: int, device: str) -> None:
        apart = validation_rows(collected.identities, seed)
        self.space = FeatureSpace.of(collected.features[~apart])
        self.picture_space = collected.pictures.space.to(torch.device(device))
        features = torch.from_numpy(self.space.coordinates(collected.features)).to(device)
        pictures = collected.pictures.coordinates.to(device)
        kept = torch.from_numpy(apart).to(device)
        self.features, self.pictures = features[~kept], pictures[~kept]
        self.validation = features[kept], pictures[kept]
        self.scale = self.pictures.std(0) + 1e-6
        self.linear = self._fitted()

    def __len__(self) -> int:
        """Return the number of training rows."""
        return len(self.features)

    def error(self, guesses: Tensor, pictures: Tensor) -> Tensor:
        """Return the mean squared error of pictures (n, k), as a share of their variance."""
        return (guesses - pictures).square().sum(1).mean() / self.scale.square().sum()

    def _fitted(self) -> Tensor:
        """Return the ridge regression that does best on the people kept apart."""
        gram, products = self.features.T @ self.features, self.features.T @ self.pictures
        identity = torch.eye(len(gram), device=gram.device)
        fits = [torch.linalg.solve(gram + ridge * len(self) * identity, products)
                for ridge in RIDGES]
        features, pictures = self.validation
        return min(fits, key=lambda fit: float(self.error(features @ fit, pictures)))


def eight_bit(pictures: Tensor) -> Tensor:
    """Return pictures (n, 3, h, w) in 0..1 as uint8, shape (n, 3, h, w)."""
    return (pictures.float() * 255).round().clamp(0, 255).byte()
