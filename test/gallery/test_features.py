"""Features are checked before the gallery sees them."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.gallery.features import FeatureArray, Features, FeatureSpace, GalleryError

SPACE = FeatureSpace('model', '', 4)


def unit_rows(count: int) -> FeatureArray:
    """Return `count` rows of norm 1, shape (count, 4)."""
    return np.eye(4, dtype=np.float32)[np.arange(count) % 4]


def test_features_are_taken_when_normalised() -> None:
    """Normalised float32 rows of the right length are accepted, one row can be picked."""
    features = Features(SPACE, unit_rows(3))
    assert len(features) == 3
    assert features.only(1).vectors.tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize('vectors, words', [
    (np.full((1, 4), np.nan, np.float32), 'NaN or infinity'),
    (np.array([[np.inf, 0, 0, 0]], np.float32), 'NaN or infinity'),
    (2 * unit_rows(1), 'normalise'),
    (np.zeros((1, 4), np.float32), 'normalise'),
    (unit_rows(1)[:, :3], r'send \(n, 4\)'),
    (unit_rows(1)[0], r'send \(n, 4\)'),
    (unit_rows(1).astype(np.float64), 'float32'),
])
def test_features_are_refused_when_unusable(vectors: np.ndarray, words: str) -> None:
    """What is not finite, not normalised, or of another shape or type is refused by name."""
    with pytest.raises(GalleryError, match=words):
        Features(SPACE, vectors)


def test_features_are_refused_when_dimension_is_zero() -> None:
    """An empty feature space is refused."""
    with pytest.raises(GalleryError, match='dimension is 0'):
        Features(FeatureSpace('model', '', 0), np.empty((0, 0), np.float32))
