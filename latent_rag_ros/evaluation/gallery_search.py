"""How fast features are searched, exactly and by clusters, and how many neighbours are missed."""
from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.clustered_index import ClusteredIndex
from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import FeatureArray

IDENTITIES, FEATURES_PER_IDENTITY = 10_000, 10
MANY_IDENTITIES = 100_000
PERSONS_PER_QUERY, QUERIES, NEIGHBOURS = 8, 200, 81
"""Neighbours: what 8 people of a frame need so that each finds another identity."""

RECALL_QUERIES = 1000
SHRINKAGE = 0.1
ROWS_PER_STEP = 50_000
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


def throughput(people: SimulatedPeople, identities: int = IDENTITIES) -> dict[str, float | int]:
    """Return the speed of exact search, for one person and for a frame of people."""
    owners, vectors, _ = _gallery(people, identities)
    index = FeatureIndex(vectors.shape[1])
    index.load(owners, vectors)
    queries = people.views(people.people(PERSONS_PER_QUERY))
    one_s = _durations_s(index, queries[:1])
    frame_s = _durations_s(index, queries)
    return {'features': len(vectors), 'dimension': vectors.shape[1],
            'cores': len(os.sched_getaffinity(0)),
            'queries_per_s': PERSONS_PER_QUERY / float(frame_s.mean()),
            'p50_ms': 1e3 * float(np.quantile(one_s, 0.5)),
            'p99_ms': 1e3 * float(np.quantile(one_s, 0.99)),
            'people_per_frame': PERSONS_PER_QUERY,
            'frame_p50_ms': 1e3 * float(np.quantile(frame_s, 0.5)),
            'frame_p99_ms': 1e3 * float(np.quantile(frame_s, 0.99)),
            'memory_mb': vectors.nbytes / 1e6}


def clustered(people: SimulatedPeople, identities: int = MANY_IDENTITIES,
              ) -> dict[str, float | int]:
    """Return recall against exact search, speed, memory and building time of clusters.

    Half of the queries are new views of enrolled people, half are strangers. A neighbour counts
    as found when its cosine is the highest there is.
    """
    owners, vectors, some = _gallery(people, identities)
    before_mb, begun_s = _resident_mb(), time.perf_counter()
    index = ClusteredIndex(owners, vectors)
    built_s, memory_mb = time.perf_counter() - begun_s, _resident_mb() - before_mb
    known = people.views(some[:RECALL_QUERIES])
    strangers = people.views(people.people(len(known)))
    found = {}
    for name, queries in (('known', known), ('strangers', strangers)):
        nearest = np.full(len(queries), -np.inf, np.float32)
        for first in range(0, len(vectors), ROWS_PER_STEP):
            products = queries @ vectors[first:first + ROWS_PER_STEP].T
            nearest = np.maximum(nearest, products.max(axis=1))
        found[name] = index.search(queries, 1)[0][:, 0] >= nearest - 1e-5
    durations_s = _durations_s(index, known[:PERSONS_PER_QUERY])
    clusters, read = index.clusters
    return {'recall_1m': float(np.mean(np.concatenate(list(found.values())))),
            'recall_1m_known': float(found['known'].mean()),
            'recall_1m_strangers': float(found['strangers'].mean()),
            'features_1m': len(vectors), 'clusters_1m': clusters, 'clusters_read_1m': read,
            'memory_1m_mb': memory_mb, 'build_1m_s': built_s,
            'frame_p50_1m_ms': 1e3 * float(np.quantile(durations_s, 0.5)),
            'frame_p99_1m_ms': 1e3 * float(np.quantile(durations_s, 0.99))}


def _gallery(people: SimulatedPeople,
             identities: int) -> tuple[NDArray[np.int64], FeatureArray, FeatureArray]:
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


def _durations_s(index: FeatureIndex | ClusteredIndex,
                 queries: FeatureArray) -> NDArray[np.float64]:
    """Return how long each of many searches took."""
    durations_s = []
    for _ in range(QUERIES):
        begun_s = time.perf_counter()
        index.search(queries, NEIGHBOURS)
        durations_s.append(time.perf_counter() - begun_s)
    return np.array(durations_s)


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric root of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _resident_mb() -> float:
    """Return the memory of this process."""
    pages = int(Path('/proc/self/statm').read_text(encoding='ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6
