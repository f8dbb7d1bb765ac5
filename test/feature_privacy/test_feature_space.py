"""An attacker's coordinates do not know how features are turned, scaled or shifted."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.feature_privacy.feature_space import FeatureSpace


def test_turned_features_have_the_same_coordinates(colour_features, turned):
    plain = FeatureSpace.of(colour_features).coordinates(colour_features)
    rotated = colour_features @ turned
    np.testing.assert_allclose(FeatureSpace.of(rotated).coordinates(rotated), plain, atol=2e-3)
    assert np.abs(rotated - colour_features).max() > 0.3


def test_scaled_and_shifted_features_have_the_same_coordinates(colour_features):
    plain = FeatureSpace.of(colour_features).coordinates(colour_features)
    changed = 40 * colour_features + 3
    np.testing.assert_allclose(FeatureSpace.of(changed).coordinates(changed), plain, atol=2e-3)


def test_coordinates_are_uncorrelated_and_none_is_blown_up(colour_features):
    coordinates = FeatureSpace.of(colour_features).coordinates(colour_features)
    covariance = np.cov(coordinates.T)
    np.testing.assert_allclose(covariance - np.diag(np.diag(covariance)), 0, atol=1e-3)
    assert np.diag(covariance).max() < 1.01


def test_one_feature_is_refused(colour_features):
    with pytest.raises(ValueError, match='1 features have no principal components'):
        FeatureSpace.of(colour_features[:1])
