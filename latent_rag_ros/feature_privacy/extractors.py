"""What stands in the table: extractors and the simple protections of features beside them.

Each turns crops into the features it would publish. The simple ones change the features of the
plain extractor: what the change was fitted on is people of the attackers, never of the figures.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.embedding import EmbeddingNetwork
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace
from latent_rag_ros.feature_privacy.protection_head import ProtectedExtractor, load_protection_head
from latent_rag_ros.feature_privacy.row_names import KEYED, PLAIN, TRAINED
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.identity.feature_key import KEY_BYTES, FeatureKey
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, sha256_of, weights_file

Features = NDArray[np.float32]
Change = Callable[[Features], Features]

KEY_SEED = b'evaluate features'


@dataclass(frozen=True)
class Extractor:
    """One row of the table.

    Parameters
    ----------
    name : str
        Key in the results.
    network : EmbeddingNetwork
        Frozen.
    weights_sha256 : str
        Of the network's file.
    change : Callable, optional
        Made of the features (n, d), before they are published.
    """

    name: str
    network: EmbeddingNetwork
    weights_sha256: str
    change: Change | None = None

    def published(self, features: Features) -> Features:
        """Return what is published of the network's features (n, d), rows of unit length."""
        if self.change is None:
            return features
        changed = self.change(features)
        return changed / np.linalg.norm(changed, axis=1, keepdims=True)


def trained_extractor(name: str, directory: Path | None, device: str) -> Extractor | None:
    """Load a network of the table; None where the folder has no such file.

    Raises `WeightsError` when the file is there and damaged, not registered, or a head of another
    embedder than the folder's.
    """
    if not ((directory or WEIGHTS_DIRECTORY) / TRAINED[name]).is_file():
        return None
    path, embedder = (weights_file(TRAINED[one], directory) for one in (name, PLAIN))
    plain = load_embedder(embedder, device)
    if name == PLAIN:
        return Extractor(name, plain, sha256_of(path))
    head = load_protection_head(path, sha256_of(embedder), device)
    return Extractor(name, ProtectedExtractor(plain, head), sha256_of(path))


def changed_extractor(name: str, plain: Extractor, fitted_on: Features) -> Extractor:
    """Return the plain extractor with a simple protection of its features.

    Parameters
    ----------
    name : str
        One of `row_names.extractor_names` that is no network of its own.
    plain : Extractor
    fitted_on : NDArray
        Plain features of the attackers' people, shape (n, d), for the principal components.
    """
    kind, _, number = name.partition('_')
    if name == KEYED:
        change = _key().transform
    elif kind == 'noise':
        change = _noise(int(number) / 100)
    else:
        change = _cut(fitted_on, int(number))
    return Extractor(name, plain.network, plain.weights_sha256, change)


def _key() -> FeatureKey:
    return FeatureKey(hashlib.sha256(KEY_SEED).digest()[:KEY_BYTES])


def _noise(deviation: float) -> Change:
    """Return additive Gaussian noise, seeded by the features, so that it can be repeated."""
    def change(features: Features) -> Features:
        """Return features with their noise."""
        seed = int.from_bytes(hashlib.sha256(features.tobytes()).digest()[:8], 'little')
        noise = np.random.default_rng(seed).standard_normal(features.shape, np.float32)
        return features + np.float32(deviation) * noise
    return change


def _cut(fitted_on: Features, count: int) -> Change:
    """Return the projection onto the first principal directions, without centring."""
    space = FeatureSpace.of(fitted_on)
    directions = space.components / np.linalg.norm(space.components, axis=0)
    kept = np.ascontiguousarray(directions[:, :count], np.float32)

    def change(features: Features) -> Features:
        """Return the coordinates of features in the kept directions."""
        return features @ kept
    return change
