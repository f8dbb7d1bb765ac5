"""Features of any number of people, drawn like those of measured ones."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.features import FeatureArray

FEATURES_PER_IDENTITY = 10
ROWS_PER_STEP = 50_000
SHRINKAGE = 0.1
SEED = 0


class SimulatedPeople:
    """Features with the means and covariances of measured ones, of any number of people.

    People are normally distributed around a mean, and views of a person around the person. The
    covariance between people is shrunk to a ball, because the measured people are fewer than
    what people can differ in; that makes neighbours harder to find, not easier.

    Parameters
    ----------
    features : FeatureArray
        Measured features, shape (n, dimension).
    identities : NDArray
        Person of each, shape (n,).
    """

    def __init__(self, features: FeatureArray, identities: NDArray[np.int64]) -> None:
        _, rows, counts = np.unique(identities, return_inverse=True, return_counts=True)
        means = np.zeros((len(counts), features.shape[1]))
        np.add.at(means, rows, features)
        means /= counts[:, None]
        between = np.cov(means, rowvar=False)
        ball = np.trace(between) / len(between) * np.eye(len(between))
        self._mean = means.mean(axis=0)
        self._between = _root((1 - SHRINKAGE) * between + SHRINKAGE * ball)
        residuals = features - means[rows]
        self._within = _root(residuals.T @ residuals / max(1, len(features) - len(counts)))
        self._random = np.random.default_rng(SEED)

    def people(self, count: int) -> FeatureArray:
        """Draw people: their means, shape (count, dimension)."""
        normal = self._random.standard_normal((count, len(self._mean)), np.float32)
        return (self._mean + normal @ self._between).astype(np.float32)

    def views(self, means: FeatureArray) -> FeatureArray:
        """Draw a view of each person, shape (n, dimension), norm 1."""
        normal = self._random.standard_normal(means.shape, np.float32)
        views = means + normal @ self._within.astype(np.float32)
        return (views / np.linalg.norm(views, axis=1, keepdims=True)).astype(np.float32)


def simulated_gallery(people: SimulatedPeople, identities: int,
                      ) -> tuple[NDArray[np.int64], FeatureArray, FeatureArray]:
    """Return owners and features of a gallery, and the means of some of its people.

    It is made in parts, because it may be a gigabyte.
    """
    owners = np.repeat(np.arange(1, identities + 1), FEATURES_PER_IDENTITY)
    vectors: FeatureArray | None = None
    some: FeatureArray | None = None
    step = ROWS_PER_STEP // FEATURES_PER_IDENTITY
    for first in range(0, identities, step):
        means = people.people(min(step, identities - first))
        views = people.views(np.repeat(means, FEATURES_PER_IDENTITY, axis=0))
        if vectors is None:
            some = means
            vectors = np.empty((len(owners), views.shape[1]), np.float32)
        begin = first * FEATURES_PER_IDENTITY
        vectors[begin:begin + len(views)] = views
    return owners, vectors, some


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
