"""Exact cosine search over features that belong to somebody."""
from __future__ import annotations

from array import array
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.feature_rows import FeatureRows
from latent_rag_ros.gallery.features import FeatureArray


class FeatureIndex:
    """Feature vectors, each with an owner, searched exactly by inner product.

    The features live in `FeatureRows`. The owner of every row and the rows of every owner are
    kept beside them, so that no change of an owner looks at the others. That also allows a row
    to be overwritten in place, which an id map of FAISS does not.

    Parameters
    ----------
    dimension : int
        Length of a feature.
    """

    def __init__(self, dimension: int) -> None:
        self._features = FeatureRows(dimension)
        self._owners = array('q')  # of each row
        self._rows: dict[int, list[int]] = {}  # of each owner, oldest first

    def __len__(self) -> int:
        """Return the number of features that FAISS holds."""
        return len(self._features)

    def count(self, owner: int) -> int:
        """Return how many features belong to `owner`."""
        return len(self._rows.get(owner, ()))

    def add(self, owner: int, vectors: FeatureArray) -> None:
        """Append features, shape (n, dimension), to those of `owner`."""
        self.load(np.full(len(vectors), owner, np.int64), vectors)

    def load(self, owners: NDArray[np.int64], vectors: FeatureArray) -> None:
        """Append features of several owners, shapes (n,) and (n, dimension), oldest first."""
        begin = len(self)
        self._features.append(vectors)
        self._owners.frombytes(np.ascontiguousarray(owners, np.int64).tobytes())
        for row, owner in enumerate(owners.tolist(), begin):
            self._rows.setdefault(owner, []).append(row)

    def features_of(self, owner: int) -> FeatureArray:
        """Return a copy of the features of `owner`, shape (n, dimension), oldest first."""
        return self._features.vectors[self._rows.get(owner, [])]

    def copied(self) -> tuple[NDArray[np.int64], FeatureArray]:
        """Return copies of owners (n,) and features (n, dimension), oldest first by owner."""
        order = np.fromiter(chain.from_iterable(self._rows.values()), np.int64, len(self))
        return self._owners_of(order), self._features.vectors[order]

    def replace_oldest(self, owner: int, vector: FeatureArray) -> None:
        """Overwrite the feature of `owner` that arrived first by `vector`, shape (dimension,)."""
        rows = self._rows[owner]
        self._features.overwrite(rows[0], vector)
        rows.append(rows.pop(0))

    def drop_oldest(self, owner: int) -> None:
        """Remove the feature of `owner` that arrived first."""
        self._remove_rows([self._rows[owner].pop(0)])
        if not self._rows[owner]:
            del self._rows[owner]

    def remove(self, owner: int) -> int:
        """Remove all features of `owner` and return how many there were."""
        return self._remove_rows(self._rows.pop(owner, []))

    def clear(self) -> None:
        """Remove all features."""
        self._features.truncate(0)
        self._owners, self._rows = array('q'), {}

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
        if min(count, len(self)) == 0:
            return np.empty((len(vectors), 0), np.float32), np.empty((len(vectors), 0), np.int64)
        cosines, rows = self._features.search(vectors, count)
        return cosines, self._owners_of(rows)

    def _owners_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.frombuffer(self._owners, np.int64)[rows]

    def _remove_rows(self, rows: list[int]) -> int:
        """Remove rows that no owner has any more: the last ones move into the gaps."""
        end = len(self) - len(rows)
        gaps = [row for row in rows if row < end]
        movers = sorted(set(range(end, len(self))) - set(rows))
        for gap, mover in zip(gaps, movers):
            owner = self._owners[gap] = self._owners[mover]
            own = self._rows[owner]
            own[own.index(mover)] = gap
        self._features.move(movers, gaps)
        self._features.truncate(end)
        del self._owners[end:]
        return len(rows)
