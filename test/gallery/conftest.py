"""Identity features as a camera yields them: one mean per person, noise per frame."""
from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from latent_rag_ros.gallery.features import Features, FeatureSpace


class People:
    """Persons whose features agree to a cosine of about 0.9 and differ to one of about 0.2."""

    space = FeatureSpace('test-embedder', '', 256)

    def __init__(self, count: int, seed: int = 0, noise: float = 0.35,
                 shared: float = 0.5) -> None:
        """Draw `count` persons that share a direction, as the features of real embedders do."""
        self._random = np.random.default_rng(seed)
        self._noise = noise
        common = self._random.normal(size=self.space.dimension)
        means = self._random.normal(size=(count, self.space.dimension)) + shared * common
        self._means = means / np.linalg.norm(means, axis=1, keepdims=True)

    def seen(self, *persons: int) -> Features:
        """Return one noisy feature of each given person."""
        noise = self._random.normal(size=(len(persons), self.space.dimension))
        vectors = self._means[list(persons)] + noise * self._noise / self.space.dimension ** 0.5
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return Features(self.space, vectors.astype(np.float32))


PeopleOf = Callable[..., People]


@pytest.fixture
def people_of() -> PeopleOf:
    """Return what draws a number of simulated persons."""
    return People
