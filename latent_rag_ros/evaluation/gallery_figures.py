"""Figures of the gallery for `latent-rag evaluate gallery`: who is who, and how fast."""
from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.gallery_calibration import EMBEDDER_FILE, model_id_of
from latent_rag_ros.evaluation.gallery_visits import identified, scores, visits_of
from latent_rag_ros.evaluation.rendered_people import Rendering
from latent_rag_ros.evaluation.results_file import versions
from latent_rag_ros.gallery.calibration import Calibration
from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import Features, FeatureSpace
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.limits import CALIBRATED, MatchLimit
from latent_rag_ros.gallery.tracks import TrackIdentifier
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.weights.registry import weights_file

FALSE_ACCEPT_RATE, NAIVE_SIMILARITY_MIN = 0.01, 0.6
FRAMES_PER_VISIT, OBSERVATIONS_MIN, POOLING = 6, 3, 5
IDENTITIES, FEATURES_PER_IDENTITY, DIMENSION = 10_000, 10, 256
PERSONS_PER_QUERY, QUERIES = 8, 200
SEED = 0


def gallery_figures(rendering: Rendering, calibration: Calibration, weights: Path | None,
                    device: str = 'cpu') -> dict[str, Any]:
    """Return the figures: the gallery and a naive one on rendered people, and its speed.

    Parameters
    ----------
    rendering : Rendering
        People who are in no training and no calibration.
    calibration : Calibration
        Limits for the embedder.
    weights : Path or None
        Folder of the embedder; None takes the shipped one.
    device : str
        Where the embedder runs.
    """
    path = weights_file(EMBEDDER_FILE, weights)
    people = rendering.people
    features = embed_images(load_embedder(path, device), people.images, device)
    scenes = visits_of(people.labels, FRAMES_PER_VISIT, SEED)
    space = FeatureSpace(model_id_of(path), '', features.shape[1])
    limit = MatchLimit(CALIBRATED, FALSE_ACCEPT_RATE, calibration)
    limit.model_id = space.model_id
    ours = TrackIdentifier(Gallery(FEATURES_PER_IDENTITY, IDENTITIES), limit, True,
                           OBSERVATIONS_MIN, POOLING, merge=True)

    def identify(camera: str, stamp_ns: int, tracks: Sequence[int],
                 rows: NDArray[np.int64]) -> list[int]:
        matches = ours.identify(camera, stamp_ns, tracks, Features(space, features[rows]))
        return [match.identity_id for match in matches]

    rendered = scores(scenes, identified(scenes, identify))
    rendered['far_ratio'] = rendered['false_accept_rate'] / FALSE_ACCEPT_RATE
    naive = scores(scenes, identified(scenes, _Naive(features)))
    return {
        'about': {'command': 'latent-rag evaluate gallery', 'people': people.identity_count,
                  'cameras': people.camera_count, 'crops': len(people), 'data': rendering.name,
                  'data_sha256': rendering.sha256, 'model': space.model_id, 'seed': SEED,
                  'calibrated_on': calibration.data, 'calibrated': limit.is_calibrated,
                  'cores': len(os.sched_getaffinity(0)), 'versions': versions()},
        'rendered': rendered, 'naive': naive, 'faiss': throughput()}


def throughput(identities: int = IDENTITIES) -> dict[str, float | int]:
    """Return the speed of exact search: `queries_per_s` and `p99_ms` of a frame's queries."""
    random = np.random.default_rng(SEED)
    index = FeatureIndex(DIMENSION)
    vectors = random.normal(size=(identities * FEATURES_PER_IDENTITY, DIMENSION))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    index.load(np.repeat(np.arange(1, identities + 1), FEATURES_PER_IDENTITY), vectors)
    durations_s = []
    for _ in range(QUERIES):
        rows = vectors[random.integers(len(vectors), size=PERSONS_PER_QUERY)]
        begun = time.perf_counter()
        index.search(rows, 1)
        durations_s.append(time.perf_counter() - begun)
    return {'features': len(vectors), 'dimension': DIMENSION,
            'queries_per_frame': PERSONS_PER_QUERY,
            'queries_per_s': PERSONS_PER_QUERY * QUERIES / sum(durations_s),
            'p50_ms': 1e3 * float(np.quantile(durations_s, 0.5)),
            'p99_ms': 1e3 * float(np.quantile(durations_s, 0.99)),
            'memory_mb': vectors.nbytes / 1e6}


class _Naive:
    """Every feature is its nearest one's identity above a fixed cosine, else a new identity."""

    def __init__(self, features: NDArray[np.float32]) -> None:
        self._features, self._index = features, FeatureIndex(features.shape[1])
        self._enrolled = 0

    def __call__(self, camera: str, stamp_ns: int, tracks: Sequence[int],
                 rows: NDArray[np.int64]) -> list[int]:
        return [self._identity(self._features[row][None]) for row in rows]

    def _identity(self, feature: NDArray[np.float32]) -> int:
        cosines, owners = self._index.search(feature, 1)
        if cosines.size and cosines[0, 0] >= NAIVE_SIMILARITY_MIN:
            identity_id = int(owners[0, 0])
        else:
            self._enrolled += 1
            identity_id = self._enrolled
        self._index.add(identity_id, feature)
        return identity_id
