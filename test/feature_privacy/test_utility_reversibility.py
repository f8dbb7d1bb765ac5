"""Both definitions of the utility-reversibility ratio."""
from __future__ import annotations

import pytest

from latent_rag_ros.feature_privacy.utility_reversibility import urr_norm, urr_ratio


def test_ratio_is_utility_per_reversibility_and_stays_finite():
    assert urr_ratio(0.8, 0.4) == pytest.approx(2)
    assert urr_ratio(0.8, 0.0) == pytest.approx(800) == urr_ratio(0.8, -0.1)


def test_norm_is_one_for_the_plain_extractor_and_two_when_half_of_the_leak_is_gone():
    assert urr_norm(0.8, 0.5, 0.8, 0.5, 0.1) == pytest.approx(1)
    assert urr_norm(0.8, 0.3, 0.8, 0.5, 0.1) == pytest.approx(2)
    assert urr_norm(0.4, 0.3, 0.8, 0.5, 0.1) == pytest.approx(1)


def test_norm_does_not_exist_when_the_plain_extractor_leaks_nothing():
    assert urr_norm(0.8, 0.3, 0.8, 0.1, 0.1) is None
