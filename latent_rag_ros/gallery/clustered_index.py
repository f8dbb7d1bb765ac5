"""Cosine search over very many features: only the clusters nearest to a query are read.

An inverted file of FAISS (`IndexIVFFlat`) whose clusters are trained on the features that are
there. It keeps whole features, so cosines are exact; a neighbour can be missed, never mistaken.
Graph indexes such as HNSW are no choice: FAISS cannot take a feature out of one.
"""
from __future__ import annotations

from collections import deque
from threading import Event

import faiss
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.features import FeatureArray

FEATURES_PER_CLUSTER_TRAINED, TRAINING_ROUNDS = 48, 10
RECALL_WANTED, RECALL_QUERIES = 0.98, 256
ROWS_PER_STEP = 16_384
ARRIVAL_BITS = 24
"""Low bits of a key of FAISS: which feature of its owner this is; the others are the owner."""


class BuildCancelled(RuntimeError):
    """The index is not wanted any more."""


class ClusteredIndex:
    """Features with owners in an inverted file. Has the methods of `FeatureIndex`.

    Parameters
    ----------
    owners : NDArray
        Owner of each feature, shape (n,), int64, below 2**39.
    vectors : FeatureArray
        Shape (n, dimension), in the order of their arrival.
    cancelled : Event, optional
        Ends the construction, which can take a minute, when it is set.

    Attributes
    ----------
    recall : float
        Share of stored features whose nearest one of another owner was found, of those tried.

    Raises
    ------
    BuildCancelled
        When `cancelled` was set.
    """

    def __init__(self, owners: NDArray[np.int64], vectors: FeatureArray,
                 cancelled: Event | None = None) -> None:
        self._cancelled = cancelled or Event()
        dimension, clusters = vectors.shape[1], clusters_for(len(vectors))
        self._quantizer = faiss.IndexFlatIP(dimension)
        self._index = faiss.IndexIVFFlat(self._quantizer, dimension, clusters,
                                         faiss.METRIC_INNER_PRODUCT)
        self._index.cp.spherical, self._index.cp.niter = True, TRAINING_ROUNDS
        self._arrivals: dict[int, deque[int]] = {}
        self._newest: dict[int, int] = {}
        try:
            self._train(vectors)
            self._index.set_direct_map_type(faiss.DirectMap.Hashtable)
            self.load(owners, vectors)
            self.recall = self._tune(owners, vectors)
        except BuildCancelled:
            self.clear()
            raise

    def __len__(self) -> int:
        """Return the number of features that FAISS holds."""
        return self._index.ntotal

    @property
    def clusters(self) -> tuple[int, int]:
        """How many clusters there are, and how many of them a search reads."""
        return self._index.nlist, self._index.nprobe

    def count(self, owner: int) -> int:
        """Return how many features belong to `owner`."""
        return len(self._arrivals.get(owner, ()))

    def add(self, owner: int, vectors: FeatureArray) -> None:
        """Append features, shape (n, dimension), to those of `owner`."""
        self.load(np.full(len(vectors), owner, np.int64), vectors)

    def load(self, owners: NDArray[np.int64], vectors: FeatureArray) -> None:
        """Append features of several owners, shapes (n,) and (n, dimension), oldest first."""
        for begin in range(0, len(vectors), ROWS_PER_STEP):
            self._check_wanted()
            part = slice(begin, begin + ROWS_PER_STEP)
            keys = np.array([self._new_key(owner) for owner in owners[part].tolist()], np.int64)
            self._index.add_with_ids(np.ascontiguousarray(vectors[part]), keys)

    def features_of(self, owner: int) -> FeatureArray:
        """Return a copy of the features of `owner`, shape (n, dimension), oldest first."""
        return np.array([self._index.reconstruct(_key(owner, arrival))
                         for arrival in self._arrivals.get(owner, ())],
                        np.float32).reshape(-1, self._index.d)

    def replace_oldest(self, owner: int, vector: FeatureArray) -> None:
        """Take out the feature of `owner` that arrived first and append `vector`, (dimension,)."""
        self.drop_oldest(owner)
        self.add(owner, vector[None])

    def drop_oldest(self, owner: int) -> None:
        """Remove the feature of `owner` that arrived first."""
        self._remove([_key(owner, self._arrivals[owner].popleft())])

    def remove(self, owner: int) -> int:
        """Remove all features of `owner` and return how many there were."""
        self._newest.pop(owner, None)
        return self._remove([_key(owner, arrival)
                             for arrival in self._arrivals.pop(owner, ())])

    def clear(self) -> None:
        """Remove all features, and the clusters, which are means of them."""
        lists = self._index.invlists
        for cluster in range(self._index.nlist):
            self._overwrite(cluster, 0, lists.list_size(cluster))
        self._index.reset()
        faiss.rev_swig_ptr(self._quantizer.get_xb(),
                           self._quantizer.ntotal * self._index.d)[:] = 0
        self._arrivals, self._newest = {}, {}

    def search(self, vectors: FeatureArray,
               count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return cosines and owners of the nearest features, as `FeatureIndex.search`.

        Where the clusters that were read hold fewer than `count` features, the last cosines are
        -inf and their owners -1.
        """
        count = min(count, len(self))
        if count == 0:
            return np.empty((len(vectors), 0), np.float32), np.empty((len(vectors), 0), np.int64)
        cosines, keys = self._index.search(np.ascontiguousarray(vectors), count)
        cosines[keys < 0] = -np.inf
        return cosines, np.where(keys < 0, -1, keys >> ARRIVAL_BITS)

    def _train(self, vectors: FeatureArray) -> None:
        self._check_wanted()
        sample = np.linspace(0, len(vectors) - 1, min(
            len(vectors), FEATURES_PER_CLUSTER_TRAINED * self._index.nlist)).astype(np.int64)
        chosen = vectors[sample]
        self._index.train(chosen)
        chosen[:] = 0
        self._check_wanted()

    def _tune(self, owners: NDArray[np.int64], vectors: FeatureArray) -> float:
        """Read as few clusters as find the nearest feature often enough; return how often.

        Some stored features ask for the nearest one of another owner, which is found by comparing
        them with all: as far away as a new view of somebody is, or farther.
        """
        rows = np.linspace(0, len(vectors) - 1, min(len(vectors), RECALL_QUERIES)).astype(int)
        queries, own = vectors[rows], owners[rows]
        nearest = np.full(len(rows), -np.inf, np.float32)
        for begin in range(0, len(vectors), ROWS_PER_STEP):
            self._check_wanted()
            part = slice(begin, begin + ROWS_PER_STEP)
            cosines = np.where(own[:, None] == owners[part], -np.inf, queries @ vectors[part].T)
            nearest = np.maximum(nearest, cosines.max(axis=1))
        depth = 1 + max(self.count(owner) for owner in set(own.tolist()))
        self._index.nprobe = 1
        while True:
            self._check_wanted()
            cosines, found = self.search(queries, depth)
            cosines[found == own[:, None]] = -np.inf
            recall = float(np.mean(cosines.max(axis=1) >= nearest - 1e-5))
            if recall >= RECALL_WANTED or self._index.nprobe >= self._index.nlist:
                return recall
            self._index.nprobe = min(2 * self._index.nprobe, self._index.nlist)

    def _remove(self, keys: list[int]) -> int:
        """Take features out; what FAISS leaves behind the end of their clusters is overwritten."""
        lists = self._index.invlists
        before = [lists.list_size(cluster) for cluster in range(self._index.nlist)]
        wanted = np.array(keys, np.int64)
        # IDSelectorArray is what an index with a hash table takes
        removed = self._index.remove_ids(faiss.IDSelectorArray(wanted)) if keys else 0
        for cluster, size in enumerate(before):
            if lists.list_size(cluster) < size:
                self._overwrite(cluster, lists.list_size(cluster), size)
        return int(removed)

    def _overwrite(self, cluster: int, begin: int, end: int) -> None:
        """Set features of a cluster to 0, also those that were just cut off its end."""
        if end > begin:
            size_bytes = self._index.code_size
            codes = faiss.rev_swig_ptr(self._index.invlists.get_codes(cluster), end * size_bytes)
            codes[begin * size_bytes:] = 0

    def _new_key(self, owner: int) -> int:
        arrival = (self._newest.get(owner, -1) + 1) % (1 << ARRIVAL_BITS)
        self._newest[owner] = arrival
        self._arrivals.setdefault(owner, deque()).append(arrival)
        return _key(owner, arrival)

    def _check_wanted(self) -> None:
        if self._cancelled.is_set():
            raise BuildCancelled('the index is not wanted any more')


def clusters_for(features: int) -> int:
    """Return the number of clusters: about as many as features in each, a power of two."""
    return 1 << max(1, round(np.log2(max(2, features)) / 2))


def _key(owner: int, arrival: int) -> int:
    return owner << ARRIVAL_BITS | arrival
