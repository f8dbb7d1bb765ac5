"""What an attacker of the privacy evaluation is given, and what it gives back.

An attacker collects pairs of protected and original pictures of people of its own, is trained on
them from scratch with a stated budget, and then sees protected pictures of people it never met.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
"""Pictures of one size, shape (n, 128, 64, 3), uint8, RGB."""


@dataclass(frozen=True)
class AttackPairs:
    """Protected pictures with their originals, row by row.

    Parameters
    ----------
    protected, originals : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    identities : NDArray
        Shape (n,), int64: who is in the picture.
    cameras : NDArray
        Shape (n,), int64: which camera took it.
    """

    protected: Images
    originals: Images
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raise `ValueError` when the parts do not have one row per pair."""
        rows = (len(self.protected), len(self.originals), len(self.identities), len(self.cameras))
        if len(set(rows)) != 1 or self.protected.shape != self.originals.shape:
            raise ValueError(f'protected, originals, identities and cameras have {rows} rows, '
                             f'pictures {self.protected.shape} and {self.originals.shape}; '
                             'give one of each per pair, pictures of one size')

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.protected)


@dataclass(frozen=True)
class Budget:
    """What the training of an attacker may cost.

    Parameters
    ----------
    iterations : int
        Optimiser steps.
    seed : int
        Seed of the weights, of the order of the pairs and of every draw.
    """

    iterations: int
    seed: int


class RecoveryAttacker(Protocol):
    """Draws the original picture from the protected one."""

    name: str
    """Key of this attacker in the results."""

    def fit(self, pairs: AttackPairs, validation: AttackPairs, budget: Budget,
            directory: Path) -> None:
        """Train from scratch on `pairs`; `validation`, of other people, may choose the weights.

        Whatever is kept for resuming goes below `directory`, which is this attacker's own.
        """

    def recover(self, protected: Images) -> Images:
        """Return a guess of every original; same shape, uint8, RGB."""


class AttributeAttacker(Protocol):
    """Reads an attribute of the original, such as the colour of the shirt, off a picture."""

    name: str
    """Key of this attacker in the results."""

    def fit(self, pairs: AttackPairs, labels: NDArray[np.int64], budget: Budget,
            directory: Path) -> None:
        """Train from scratch on `pairs` with one label (n,) per pair."""

    def predict(self, protected: Images) -> NDArray[np.int64]:
        """Return one label per picture, shape (n,)."""
