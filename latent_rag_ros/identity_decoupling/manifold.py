"""Is a code the identity of a face at all? Two tests of distance to codes that are.

The paper's sampler is "manifold-aware" without a published form; both tests here are ours. They
look at the proposed code alone, never at the original one, so they only redefine what is proposed
and cost no bit of the sampler's leak (see `leak_bits`).
"""
from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.identity_decoupling.gallery import IdentityGallery

SHRINKAGE = 0.1
"""Share of the mean variance in every direction: codes may be fewer than dimensions."""

ROWS_AT_ONCE = 2048


class Manifold(Protocol):
    """Tells codes that belong to faces from others."""

    def contains(self, codes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return for codes (m, d), any length, whether each is an identity, shape (m,)."""
        ...


def _check_quantile(quantile: float) -> None:
    if not 0 < quantile <= 1:
        raise ValueError(f'quantile is {quantile}; give a share in 0 < quantile <= 1')


def _unit(codes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return rows of length 1; rows that cannot be scaled become not a number."""
    codes = np.asarray(codes, np.float64)
    with np.errstate(invalid='ignore', divide='ignore'):
        return codes / np.linalg.norm(codes, axis=1, keepdims=True)


class MahalanobisManifold:
    """Codes within a Mahalanobis distance of the gallery's mean.

    d^2 = (z - m)^T S^-1 (z - m), with the gallery's mean m and its covariance S shrunk towards
    the mean variance.

    Parameters
    ----------
    gallery : IdentityGallery
        Codes that are identities.
    quantile : float
        Share of the gallery within the limit, above 0 and at most 1.
    """

    def __init__(self, gallery: IdentityGallery, quantile: float = 0.99) -> None:
        _check_quantile(quantile)
        codes = _unit(gallery.codes)
        self._mean = codes.mean(0)
        covariance = np.cov(codes, rowvar=False).reshape(gallery.dimension, gallery.dimension)
        mean_variance = np.trace(covariance) / gallery.dimension
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * mean_variance * np.eye(len(covariance))
        self._whiten = np.linalg.inv(np.linalg.cholesky(shrunk))
        self.distance_max = float(np.quantile(self.distances(gallery.codes), quantile))

    def distances(self, codes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the Mahalanobis distance (m,) of codes (m, d)."""
        return np.linalg.norm((_unit(codes) - self._mean) @ self._whiten.T, axis=1)

    def contains(self, codes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return for codes (m, d) whether each is an identity, shape (m,)."""
        return self.distances(codes) <= self.distance_max


class NeighbourManifold:
    """Codes as near to their k-th nearest code of the gallery as the gallery's own codes are.

    Parameters
    ----------
    gallery : IdentityGallery
        Codes that are identities.
    neighbours : int
        k, at least 1 and smaller than the gallery.
    quantile : float
        Share of the gallery within the limit, above 0 and at most 1.
    """

    def __init__(self, gallery: IdentityGallery, neighbours: int = 5,
                 quantile: float = 0.99) -> None:
        _check_quantile(quantile)
        if not 1 <= neighbours < len(gallery):
            raise ValueError(f'neighbours is {neighbours} with {len(gallery)} codes; '
                             'give at least 1 and less than the size of the gallery')
        self._codes, self._neighbours = _unit(gallery.codes), neighbours
        own = self._distances(self._codes, neighbours + 1)  # the nearest one is the code itself
        self.distance_max = float(np.quantile(own, quantile))

    def _distances(self, codes: NDArray[np.float64], rank: int) -> NDArray[np.float64]:
        """Return 1 - cosine (m,) to the code of a rank, 1 the nearest."""
        found = [np.partition(1 - codes[start:start + ROWS_AT_ONCE] @ self._codes.T, rank - 1,
                              axis=1)[:, rank - 1]
                 for start in range(0, len(codes), ROWS_AT_ONCE)]
        return np.concatenate(found) if found else np.zeros(0)

    def distances(self, codes: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return 1 - cosine (m,) of codes (m, d) to their k-th nearest code of the gallery.

        A code of the gallery counts as its own nearest one.
        """
        return self._distances(_unit(codes), self._neighbours)

    def contains(self, codes: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return for codes (m, d) whether each is an identity, shape (m,)."""
        return self.distances(codes) <= self.distance_max
