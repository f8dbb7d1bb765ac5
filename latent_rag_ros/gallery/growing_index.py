"""Exact search until there are very many features, search by clusters from then on.

The clusters are trained beside the work, in a thread that reads a copy. Until they are ready the
exact index answers, and so it does when anything goes wrong with them. An erasure waits for no
thread that still holds a copy of what it erases: it ends the construction first, which begins
again with the next feature.
"""
from __future__ import annotations

import logging
from threading import Event, Thread

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.clustered_index import BuildCancelled, ClusteredIndex
from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import FeatureArray

LOGGER = logging.getLogger(__name__)


class GrowingIndex:
    """A `FeatureIndex` that becomes a `ClusteredIndex` beyond a size. Has their methods.

    Parameters
    ----------
    dimension : int
        Length of a feature.
    exact_features_max : int
        Most features that are searched exactly.
    """

    def __init__(self, dimension: int, exact_features_max: int) -> None:
        self._exact_max, self._dimension = exact_features_max, dimension
        self._index: FeatureIndex | ClusteredIndex = FeatureIndex(dimension)
        self._build: _Build | None = None
        self._changed: set[int] = set()

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self._index)

    @property
    def kind(self) -> str:
        """How it searches now, in words."""
        if isinstance(self._index, FeatureIndex):
            return 'exact'
        clusters, read = self._index.clusters
        return f'{read} of {clusters} clusters, recall {self._index.recall:.3f}'

    def count(self, owner: int) -> int:
        """Return how many features belong to `owner`."""
        return self._index.count(owner)

    def add(self, owner: int, vectors: FeatureArray) -> None:
        """Append features, shape (n, dimension), to those of `owner`."""
        self._index.add(owner, vectors)
        self._changed.add(owner)
        self._grow()

    def load(self, owners: NDArray[np.int64], vectors: FeatureArray) -> None:
        """Append features of several owners, shapes (n,) and (n, dimension), oldest first."""
        self._index.load(owners, vectors)
        self._changed.update(np.unique(owners).tolist())
        self._grow()

    def features_of(self, owner: int) -> FeatureArray:
        """Return a copy of the features of `owner`, shape (n, dimension), oldest first."""
        return self._index.features_of(owner)

    def replace_oldest(self, owner: int, vector: FeatureArray) -> None:
        """Take out the feature of `owner` that arrived first and append `vector`, (dimension,)."""
        self._index.replace_oldest(owner, vector)
        self._changed.add(owner)
        self._grow()

    def drop_oldest(self, owner: int) -> None:
        """Remove the feature of `owner` that arrived first."""
        self._index.drop_oldest(owner)
        self._changed.add(owner)

    def remove(self, owner: int) -> int:
        """Remove all features of `owner` for good and return how many there were."""
        self._stop_build()
        return self._index.remove(owner)

    def clear(self) -> None:
        """Remove all features for good and search exactly again."""
        self._stop_build()
        self._index.clear()
        self._index = FeatureIndex(self._dimension)

    def search(self, vectors: FeatureArray,
               count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return cosines and owners of the nearest features, as `FeatureIndex.search`.

        By clusters, places for which none was found have the owner -1.
        """
        self._take_over()
        return self._index.search(vectors, count)

    def wait(self) -> None:
        """Return when no construction is under way; what was built is in use."""
        if self._build is not None:
            self._build.join()
            self._take_over()

    def _grow(self) -> None:
        """Begin to build clusters when there are too many features."""
        self._take_over()
        if (self._build is None and isinstance(self._index, FeatureIndex)
                and len(self._index) > self._exact_max):
            self._changed = set()
            self._build = _Build(*self._index.copied())
            self._build.start()

    def _take_over(self) -> None:
        """Put a finished index in place, after what changed while it was built."""
        if self._build is None or self._build.is_alive():
            return
        build, self._build = self._build, None
        if build.index is None:
            self._exact_max = 2 * len(self._index)  # it failed: not again with every feature
            return
        for owner in self._changed:
            build.index.remove(owner)
            build.index.add(owner, self._index.features_of(owner))
        self._index.clear()
        self._index, self._changed = build.index, set()
        LOGGER.info('%d features are searched by %s', len(self._index), self.kind)

    def _stop_build(self) -> None:
        """End a construction and overwrite its copy of the features."""
        if self._build is not None:
            build, self._build = self._build, None
            build.stop()


class _Build(Thread):
    """Builds a `ClusteredIndex` of a copy, which is overwritten at the end.

    Attributes
    ----------
    index : ClusteredIndex or None
        The result; None until it is there, or when there was no memory for it.
    """

    def __init__(self, owners: NDArray[np.int64], vectors: FeatureArray) -> None:
        super().__init__(name='gallery clusters', daemon=True)
        self._owners, self._vectors, self._cancelled = owners, vectors, Event()
        self.index: ClusteredIndex | None = None

    def run(self) -> None:
        """Build the index."""
        try:
            self.index = ClusteredIndex(self._owners, self._vectors, self._cancelled)
        except BuildCancelled:
            pass
        except (RuntimeError, MemoryError) as error:
            LOGGER.error('clusters cannot be built, search stays exact: %s', error)
        finally:
            self._vectors[:] = 0
            self._owners, self._vectors = self._owners[:0], self._vectors[:0].copy()

    def stop(self) -> None:
        """End the construction and clear its result."""
        self._cancelled.set()
        self.join()
        if self.index is not None:
            self.index.clear()
            self.index = None
