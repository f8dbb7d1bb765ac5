"""How fast features are searched, exactly and by clusters, and how many neighbours are missed."""
from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.gallery_identification import defaults
from latent_rag_ros.evaluation.gallery_simulation import (
    FEATURES_PER_IDENTITY, ROWS_PER_STEP, SimulatedPeople, simulated_gallery)
from latent_rag_ros.gallery.clustered_index import ClusteredIndex
from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import FeatureArray, Features, FeatureSpace
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.limits import MatchLimit
from latent_rag_ros.gallery.tracks import TrackIdentifier

IDENTITIES, MANY_IDENTITIES = 10_000, 100_000
PEOPLE_PER_FRAME, FRAMES = 8, 1000
FRAMES_PER_VISIT, FRAME_NS = 20, 100_000_000
NEIGHBOURS, SEARCHES_OF_MANY = 81, 200
"""Neighbours: what 8 people of a frame need so that each finds another identity."""

RECALL_QUERIES = 1000


def throughput(people: SimulatedPeople, limit: MatchLimit, identities: int = IDENTITIES,
               frames: int = FRAMES) -> dict[str, float | int]:
    """Return the speed of exact search in a gallery in memory.

    Every frame shows other views, half of known people and half of strangers. A query is one of
    its people, all of whom are compared at once, as a node does; `p50_ms` and `p99_ms` are of
    frames with one person. Beside it, `identify_` is all that is done for a frame of known people
    between its message and the answer: comparing, matching tracks, learning.
    """
    before_mb = _resident_mb()
    gallery, known = _filled(people, identities)
    memory_mb, space = _resident_mb() - before_mb, gallery.space
    half = PEOPLE_PER_FRAME // 2
    random = np.random.default_rng(0)
    shown = [Features(space, people.views(np.concatenate([
        known[random.choice(len(known), half)], people.people(PEOPLE_PER_FRAME - half)])))
        for _ in range(frames)]
    alone = [features.only(number % PEOPLE_PER_FRAME) for number, features in enumerate(shown)]
    one_s = _durations_s(lambda features: gallery.match(features, 2), alone)
    frame_s = _durations_s(lambda features: gallery.match(features, PEOPLE_PER_FRAME + 1), shown)
    identify_s = _identification_s(people, gallery, known, limit, frames)
    return {'features': gallery.feature_count, 'dimension': space.dimension,
            'cores': len(os.sched_getaffinity(0)),
            'queries_per_s': PEOPLE_PER_FRAME / float(frame_s.mean()),
            'single_queries_per_s': 1 / float(one_s.mean()), **_quantiles('', one_s),
            'people_per_frame': PEOPLE_PER_FRAME, 'frames': frames,
            **_quantiles('frame_', frame_s), **_quantiles('identify_', identify_s),
            'memory_mb': memory_mb}


def clustered(people: SimulatedPeople, identities: int = MANY_IDENTITIES,
              ) -> dict[str, float | int]:
    """Return recall against exact search, speed, memory and building time of clusters.

    Half of the queries are new views of enrolled people, half are strangers. A neighbour counts
    as found when its cosine is the highest there is. The speed of exact search is beside it.
    """
    owners, vectors, some = simulated_gallery(people, identities)
    known = people.views(some[:RECALL_QUERIES])
    strangers = people.views(people.people(len(known)))
    frames = _frames_of(np.concatenate([known, strangers]))
    exact = _exact_of_many(owners, vectors, frames)
    before_mb, begun_s = _resident_mb(), time.perf_counter()
    index = ClusteredIndex(owners, vectors)
    built_s, memory_mb = time.perf_counter() - begun_s, _resident_mb() - before_mb
    found = {}
    for name, queries in (('known', known), ('strangers', strangers)):
        nearest = np.full(len(queries), -np.inf, np.float32)
        for first in range(0, len(vectors), ROWS_PER_STEP):
            products = queries @ vectors[first:first + ROWS_PER_STEP].T
            nearest = np.maximum(nearest, products.max(axis=1))
        found[name] = index.search(queries, 1)[0][:, 0] >= nearest - 1e-5
    durations_s = _durations_s(lambda queries: index.search(queries, NEIGHBOURS), frames)
    clusters, read = index.clusters
    return {'recall_1m': float(np.mean(np.concatenate(list(found.values())))),
            'recall_1m_known': float(found['known'].mean()),
            'recall_1m_strangers': float(found['strangers'].mean()),
            'features_1m': len(vectors), 'clusters_1m': clusters, 'clusters_read_1m': read,
            'memory_1m_mb': memory_mb, 'build_1m_s': built_s,
            **_quantiles('frame_1m_', durations_s), **exact}


def _exact_of_many(owners: NDArray[np.int64], vectors: FeatureArray,
                   frames: Sequence[FeatureArray]) -> dict[str, float]:
    """Return memory and speed of exact search over as many features."""
    before_mb = _resident_mb()
    index = FeatureIndex(vectors.shape[1])
    index.load(owners, vectors)
    memory_mb = _resident_mb() - before_mb
    durations_s = _durations_s(lambda queries: index.search(queries, NEIGHBOURS), frames)
    return {**_quantiles('exact_frame_1m_', durations_s), 'exact_memory_1m_mb': memory_mb}


def _filled(people: SimulatedPeople, identities: int) -> tuple[Gallery, FeatureArray]:
    """Return a gallery of simulated people and the means of some of them."""
    owners, vectors, some = simulated_gallery(people, identities)
    values = defaults()
    gallery = Gallery(values['gallery.features_per_identity'],
                      max(identities + 1, values['gallery.identities_max']))
    space = FeatureSpace('simulated', '', vectors.shape[1])
    for own in np.split(vectors, len(owners) // FEATURES_PER_IDENTITY):
        gallery.enrol(Features(space, own), 0, 0)
    return gallery, some


def _identification_s(people: SimulatedPeople, gallery: Gallery, known: FeatureArray,
                      limit: MatchLimit, frames: int) -> NDArray[np.float64]:
    """Return how long frames take in which known people come and go."""
    values = defaults()
    identifier = TrackIdentifier(
        gallery, limit, values['gallery.enrol'], values['gallery.observations_min'],
        values['gallery.pooling'], values['gallery.merge'], values['gallery.travel_s_min'],
        limit.agreement)

    def shown(number: int) -> tuple[int, list[int], Features]:
        """Return stamp, tracks and features of a frame."""
        visitors = np.arange(PEOPLE_PER_FRAME) + number // FRAMES_PER_VISIT * PEOPLE_PER_FRAME
        views = people.views(known[visitors % len(known)])
        return number * FRAME_NS, visitors.tolist(), Features(gallery.space, views)

    return _durations_s(lambda frame: identifier.identify('camera', *frame),
                        [shown(number) for number in range(frames)])


def _frames_of(queries: FeatureArray) -> list[FeatureArray]:
    """Return frames of people; every person is in several of them, each time with others."""
    random = np.random.default_rng(0)
    return [queries[random.choice(len(queries), PEOPLE_PER_FRAME)]
            for _ in range(SEARCHES_OF_MANY)]


def _durations_s(function: Callable[[object], object],
                 inputs: Sequence[object]) -> NDArray[np.float64]:
    """Return how long each call took."""
    durations_s = []
    for one in inputs:
        begun_s = time.perf_counter()
        function(one)
        durations_s.append(time.perf_counter() - begun_s)
    return np.array(durations_s)


def _quantiles(name: str, durations_s: NDArray[np.float64]) -> dict[str, float]:
    """Return median and 99 % quantile in milliseconds, by names that begin with `name`."""
    return {f'{name}p50_ms': 1e3 * float(np.quantile(durations_s, 0.5)),
            f'{name}p99_ms': 1e3 * float(np.quantile(durations_s, 0.99))}


def _resident_mb() -> float:
    """Return the memory of this process."""
    pages = int(Path('/proc/self/statm').read_text(encoding='ascii').split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6
