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

INFERENCE_BATCH = 64


@dataclass(frozen=True)
class CollectedFeatures:
    """Features with the pictures they were made of, row by row.

    Parameters
    ----------
    features : NDArray
        Shape (n, d), float32, as the extractor publishes them.
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    masks : NDArray
        Shape (n, 128, 64), bool, True on the person.
    identities : NDArray
        Shape (n,), int64.
    """

    features: NDArray[np.float32]
    images: Images
    masks: NDArray[np.bool_]
    identities: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raise `ValueError` when the parts do not have one row per picture."""
        rows = {len(self.features), len(self.images), len(self.masks), len(self.identities)}
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
    """What was collected, on the device and in the attacker's coordinates, split by person.

    Parameters
    ----------
    collected : CollectedFeatures
    seed : int
        Chooses the tenth of the people that is kept for validation.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, collected: CollectedFeatures, seed: int, device: str) -> None:
        apart = validation_rows(collected.identities, seed)
        self.training, self.validation = np.flatnonzero(~apart), np.flatnonzero(apart)
        self.space = FeatureSpace.of(collected.features[self.training])
        self.device = torch.device(device)
        self._features = torch.from_numpy(
            self.space.coordinates(collected.features)).to(self.device)
        self._images = torch.from_numpy(collected.images).to(self.device)
        self._masks = torch.from_numpy(collected.masks).to(self.device)

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor, Tensor]:
        """Return features (n, d), crops (n, 3, 128, 64) in 0..1 and masks (n, 1, 128, 64)."""
        chosen = torch.from_numpy(rows).to(self.device)
        crops = self._images[chosen].permute(0, 3, 1, 2).float() / 255
        return self._features[chosen], crops, self._masks[chosen, None].float()

    def validation_parts(self) -> list[NDArray[np.int64]]:
        """Return the rows of the people kept apart, in parts that fit into memory."""
        return _parts(self.validation)

    def mean_crop(self) -> Tensor:
        """Return the mean training picture, shape (3, 128, 64), in 0..1."""
        total = sum(self.batch(rows)[1].sum(0) for rows in _parts(self.training))
        return total / len(self.training)


def _parts(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.array_split(rows, -(-len(rows) // INFERENCE_BATCH))


def person_error(pictures: Tensor, crops: Tensor, person: Tensor,
                 background_weight: float = 0.1) -> Tensor:
    """Return the squared error with the person's pixels in front, shape (n,).

    Pictures (n, 3, 128, 64) in 0..1, `person` (n, 1, 128, 64), 1 on the person.
    """
    weights = background_weight + (1 - background_weight) * person
    error = ((pictures - crops).square() * weights).sum((1, 2, 3))
    return error / (3 * weights.sum((1, 2, 3)))


def eight_bit(pictures: Tensor) -> Tensor:
    """Return pictures (n, 3, h, w) in 0..1 as uint8, shape (n, 3, h, w)."""
    return (pictures.float() * 255).round().clamp(0, 255).byte()
