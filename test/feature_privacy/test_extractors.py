"""The rows of the table: simple protections of features do what their names say."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.feature_privacy.extractors import (
    Extractor, changed_extractor, trained_extractor)
from latent_rag_ros.feature_privacy.row_names import extractor_names
from latent_rag_ros.weights.registry import register


@pytest.fixture
def features() -> np.ndarray:
    """Return 300 unit features with most of their energy in the first numbers."""
    raw = np.random.default_rng(0).standard_normal((300, 256)) * np.linspace(2, 0.01, 256)
    return (raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def plain(judge) -> Extractor:
    """Return the plain extractor."""
    return Extractor('plain', judge, 'f' * 64)


def test_published_features_have_length_one_in_every_row(features, plain):
    simple = [name for name in extractor_names() if not name.endswith(('plain', 'protected'))]
    assert len(simple) == 5
    for name in simple:
        published = changed_extractor(name, plain, features).published(features)
        np.testing.assert_allclose(np.linalg.norm(published, axis=1), 1, atol=1e-5)
        assert len(published) == len(features)


def test_key_keeps_every_cosine_and_changes_every_feature(features, plain):
    published = changed_extractor('keyed', plain, features).published(features)
    np.testing.assert_allclose(published @ published.T, features @ features.T, atol=1e-5)
    assert (published * features).sum(1).mean() < 0.3


def test_noise_is_as_strong_as_its_name_says_and_can_be_repeated(features, plain):
    noisy = changed_extractor('noise_03', plain, features)
    difference = noisy.change(features) - features
    assert abs(difference.std() - 0.03) < 1e-3
    assert (noisy.published(features) == noisy.published(features)).all()


def test_cut_keeps_the_strongest_components(features, plain):
    cut = changed_extractor('dimensions_64', plain, features).change(features)
    assert cut.shape == (300, 64)
    assert np.square(cut).sum() > 0.5 * np.square(features).sum()


def test_protected_row_needs_its_weights(plain_file, tmp_path):
    folder = plain_file.parent
    register(plain_file)
    assert trained_extractor('protected', folder, 'cpu') is None
    assert trained_extractor('plain', folder, 'cpu').change is None
