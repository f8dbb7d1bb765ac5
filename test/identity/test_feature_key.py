"""The feature key: private, stable, harmless to accuracy, and useless across deployments."""
from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from latent_rag_ros.evaluation.ranking import Labels, rank
from latent_rag_ros.identity.feature_key import (
    KEY_BYTES, FeatureKey, FeatureKeyError, load_or_create_key)

PEOPLE, VIEWS, DIMENSION = 200, 4, 256
FIRST, SECOND = FeatureKey(bytes(range(KEY_BYTES))), FeatureKey(bytes(KEY_BYTES))


@pytest.fixture(scope='module')
def features() -> NDArray[np.float32]:
    """Return features of 200 people in 4 cameras, shape (800, 256), with a common direction."""
    random = np.random.default_rng(0)
    means = random.normal(size=(PEOPLE, 1, DIMENSION)) + 0.5 * random.normal(size=DIMENSION)
    views = means + 1.2 * random.normal(size=(PEOPLE, VIEWS, DIMENSION))
    flat = views.reshape(-1, DIMENSION)
    return (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)


def rank1(queries: NDArray[np.float32], gallery: NDArray[np.float32]) -> float:
    """Return the Rank-1 of views against views in other cameras."""
    labels = Labels(np.repeat(np.arange(1, PEOPLE + 1), VIEWS), np.tile(np.arange(VIEWS), PEOPLE))
    return rank(queries, labels, gallery, labels).rank1


def test_cosines_and_accuracy_are_the_same_when_transformed(features: NDArray[np.float32],
                                                            ) -> None:
    """The rotation changes no angle beyond rounding, so no rank either."""
    rotated = FIRST.transform(features)
    np.testing.assert_allclose(rotated @ rotated.T, features @ features.T, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(rotated, axis=1), 1, atol=1e-5)
    assert rank1(rotated, rotated) == rank1(features, features) > 0.9


def test_linkage_is_at_chance_when_keys_differ(features: NDArray[np.float32]) -> None:
    """Features of one person under two keys, or with and without one, tell nothing."""
    chance = (VIEWS - 1) / (PEOPLE * VIEWS - 1)
    for one, other in ((FIRST.transform(features), SECOND.transform(features)),
                       (FIRST.transform(features), features)):
        assert rank1(one, other) < 5 * chance
        same = (one * other).sum(axis=1)
        different = (one * np.roll(other, VIEWS, axis=0)).sum(axis=1)
        error = np.sqrt((same.var() + different.var()) / len(same))
        assert abs(same.mean() - different.mean()) < 4 * error


def test_rotation_depends_on_secret_and_dimension_only() -> None:
    """The same secret gives the same orthogonal matrix, in every process."""
    again = FeatureKey(bytes(range(KEY_BYTES)))
    np.testing.assert_array_equal(again.rotation(64), FIRST.rotation(64))
    np.testing.assert_allclose(FIRST.rotation(64) @ FIRST.rotation(64).T, np.eye(64), atol=1e-5)
    assert np.abs(FIRST.rotation(64) - SECOND.rotation(64)).max() > 0.1
    assert again.key_id == FIRST.key_id != SECOND.key_id


def test_key_file_is_private_and_stays_when_used_again(tmp_path: Path) -> None:
    """The first use makes it with mode 0600, the next ones read it; another file, another key."""
    path = tmp_path / 'keys' / 'feature.key'
    key = load_or_create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ['feature.key']
    assert load_or_create_key(path).key_id == key.key_id
    assert load_or_create_key(tmp_path / 'other.key').key_id != key.key_id


@pytest.mark.parametrize('content, mode, words', [
    ('latent-rag-feature-key-1 ' + '00' * KEY_BYTES, 0o644, 'chmod 600'),
    ('latent-rag-feature-key-1 abcd', 0o600, 'damaged'),
    ('latent-rag-feature-key-1 ' + 'xy' * KEY_BYTES, 0o600, 'damaged'),
    ('', 0o600, 'no feature key')])
def test_key_file_is_refused_when_unfit(tmp_path: Path, content: str, mode: int,
                                        words: str) -> None:
    """A readable or damaged key is an error that names the file; it is never replaced silently."""
    path = tmp_path / 'feature.key'
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(FeatureKeyError, match=words):
        load_or_create_key(path)
    assert path.read_text() == content
