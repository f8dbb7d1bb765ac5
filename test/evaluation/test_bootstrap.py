"""The interval is one over people, not over pictures."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation.bootstrap import confidence_interval


def test_interval_is_a_point_when_all_values_agree():
    assert confidence_interval(np.full(8, 0.25), np.repeat([1, 2], 4)) == (0.25, 0.25)


def test_interval_is_that_of_a_mean_of_independent_people():
    values = np.random.default_rng(1).normal(size=400)
    low, high = confidence_interval(values, np.arange(400), resamples=4000)
    half = 1.96 * values.std() / np.sqrt(400)
    assert low == pytest.approx(values.mean() - half, abs=0.012)
    assert high == pytest.approx(values.mean() + half, abs=0.012)


def test_interval_does_not_shrink_when_pictures_of_a_person_are_repeated():
    values = np.random.default_rng(1).normal(size=50)
    once = confidence_interval(values, np.arange(50))
    repeated = confidence_interval(np.repeat(values, 9), np.repeat(np.arange(50), 9))
    assert repeated == pytest.approx(once)


def test_interval_leaves_out_nan():
    values, people = np.array([0.0, 1.0, np.nan]), np.array([1, 2, 3])
    assert confidence_interval(values, people) == confidence_interval(values[:2], people[:2])


def test_interval_refuses_no_values():
    with pytest.raises(ValueError, match='NaN or empty'):
        confidence_interval(np.array([np.nan]), np.array([1]))
