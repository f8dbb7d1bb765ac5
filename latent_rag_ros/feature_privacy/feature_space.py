"""The attackers' own coordinates: principal components of the features they collected.

A rotation, a reflection, a scale or a shift takes no information out of features; it only costs
an attacker that was trained before. In these coordinates features and turned features are the same
numbers, so an extractor gains nothing by turning them.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

VARIANCE_FLOOR = 0.01
"""Added to each variance, in shares of the mean variance: weak components stay weak."""


@dataclass(frozen=True)
class FeatureSpace:
    """Coordinates of features.

    Parameters
    ----------
    mean : NDArray
        Shape (d,).
    components : NDArray
        Shape (d, d): directions in columns, the strongest first, scaled to about unit variance.
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float32]) -> FeatureSpace:
        """Return the coordinates of features (n, d).

        The sign of a direction is the one in which the features are skewed to the positive side,
        so it turns with them. Raises `ValueError` when there are fewer than two features.
        """
        if len(features) < 2:
            raise ValueError(f'{len(features)} features have no principal components; give more')
        mean = features.mean(0, dtype=np.float64)
        centred = features - mean
        variances, directions = np.linalg.eigh(centred.T @ centred / len(features))
        directions = directions[:, ::-1]
        variances = np.maximum(variances[::-1], 0)
        skewness = ((centred @ directions) ** 3).mean(0)
        scale = np.sqrt(variances + VARIANCE_FLOOR * variances.mean() + 1e-12)
        return cls(mean, directions * np.where(skewness < 0, -1, 1) / scale)

    @property
    def dimension(self) -> int:
        """Length of the features."""
        return len(self.mean)

    def coordinates(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return features (n, d) in these coordinates, shape (n, d)."""
        return ((features - self.mean) @ self.components).astype(np.float32)
