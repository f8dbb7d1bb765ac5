"""Exact cosine search over features that belong to somebody (FAISS `IndexFlatIP`)."""
from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.features import FeatureArray


class FeatureIndex:
    """Feature vectors, each with an owner, searched exactly by inner product.

    The rows live in one `faiss.IndexFlatIP`; owner and age of a row stand in arrays beside it.
    That allows a row to be overwritten in place, which an id map of FAISS does not.

    Parameters
    ----------
    dimension : int
        Length of a feature.
    """

    def __init__(self, dimension: int) -> None:
        self._index = faiss.IndexFlatIP(dimension)
        self._owners = np.empty(0, np.int64)
        self._arrivals = np.empty(0, np.int64)
        self._arrived = 0

    def __len__(self) -> int:
        """Return the number of features that FAISS holds."""
        return self._index.ntotal

    @property
    def vectors(self) -> FeatureArray:
        """The stored rows, shape (len(self), dimension): a view that the next change may end."""
        flat = faiss.rev_swig_ptr(self._index.get_xb(), len(self) * self._index.d)
        return flat.reshape(len(self), self._index.d)

    def count(self, owner: int) -> int:
        """Return how many features belong to `owner`."""
        return int(np.count_nonzero(self._owners == owner))

    def add(self, owner: int, vectors: FeatureArray) -> None:
        """Append features, shape (n, dimension), to those of `owner`."""
        self.load(np.full(len(vectors), owner, np.int64), vectors)

    def load(self, owners: NDArray[np.int64], vectors: FeatureArray) -> None:
        """Append features of several owners, shapes (n,) and (n, dimension), oldest first."""
        self._index.add(np.ascontiguousarray(vectors))
        self._owners = np.append(self._owners, owners)
        self._arrivals = np.append(self._arrivals, self._next_arrivals(len(vectors)))

    def features_of(self, owner: int) -> FeatureArray:
        """Return a copy of the features of `owner`, shape (n, dimension), oldest first."""
        rows = np.flatnonzero(self._owners == owner)
        return self.vectors[rows[np.argsort(self._arrivals[rows])]].copy()

    def copied(self) -> tuple[NDArray[np.int64], FeatureArray]:
        """Return copies of owners (n,) and features (n, dimension), in the order of arrival."""
        order = np.argsort(self._arrivals)
        return self._owners[order], self.vectors[order]

    def replace_oldest(self, owner: int, vector: FeatureArray) -> None:
        """Overwrite the feature of `owner` that arrived first by `vector`, shape (dimension,)."""
        rows = np.flatnonzero(self._owners == owner)
        oldest = rows[np.argmin(self._arrivals[rows])]
        self.vectors[oldest] = vector
        self._arrivals[oldest] = self._next_arrivals(1)[0]

    def drop_oldest(self, owner: int) -> None:
        """Remove the feature of `owner` that arrived first."""
        rows = np.flatnonzero(self._owners == owner)
        self._remove_rows(rows[[np.argmin(self._arrivals[rows])]])

    def remove(self, owner: int) -> int:
        """Remove all features of `owner` and return how many there were."""
        return self._remove_rows(np.flatnonzero(self._owners == owner))

    def clear(self) -> None:
        """Remove all features."""
        self._owners, self._arrivals = self._owners[:0].copy(), self._arrivals[:0].copy()
        self._truncate(0)

    def search(self, vectors: FeatureArray,
               count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return cosines and owners of the nearest features.

        Parameters
        ----------
        vectors : FeatureArray
            Queries, shape (n, dimension).
        count : int
            Features wanted per query; fewer come back when the index holds fewer.

        Returns
        -------
        cosines, owners
            Shape (n, min(count, len(self))), dtypes float32 and int64, best first.
        """
        count = min(count, len(self))
        if count == 0:
            return np.empty((len(vectors), 0), np.float32), np.empty((len(vectors), 0), np.int64)
        cosines, rows = self._index.search(np.ascontiguousarray(vectors), count)
        return cosines, self._owners[rows]

    def _remove_rows(self, rows: NDArray[np.int64]) -> int:
        """Remove rows: the last ones move into the gaps.

        What then lies behind the end is overwritten, because FAISS gives no memory back.
        """
        owned = np.zeros(len(self), bool)
        owned[rows] = True
        end = len(self) - int(np.count_nonzero(owned))
        gaps, movers = np.flatnonzero(owned[:end]), end + np.flatnonzero(~owned[end:])
        for array in (self.vectors, self._owners, self._arrivals):
            array[gaps] = array[movers]
        self._owners, self._arrivals = self._owners[:end].copy(), self._arrivals[:end].copy()
        return self._truncate(end)

    def _next_arrivals(self, count: int) -> NDArray[np.int64]:
        self._arrived += count
        return np.arange(self._arrived - count, self._arrived, dtype=np.int64)

    def _truncate(self, end: int) -> int:
        self.vectors[end:] = 0
        return int(self._index.remove_ids(faiss.IDSelectorRange(end, len(self))))
