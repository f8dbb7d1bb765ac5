"""The true accept rate against hand-made pairs."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.evaluation.verification_rate import Pairs, true_accept_rate


def pairs_of(genuine, impostor):
    """Return pairs with these similarities: person 0 with itself, person 0 with person 1."""
    similarity = np.array([*genuine, *impostor], np.float32)
    second = np.array([0] * len(genuine) + [1] * len(impostor))
    return Pairs(similarity, np.zeros_like(second), second)


def test_rate_counts_genuine_pairs_above_the_impostor_that_is_still_refused():
    impostors = np.arange(100) / 200  # 0 .. 0.495; one of a hundred may pass
    found = true_accept_rate(pairs_of([0.2, 0.492, 0.497, 0.9], impostors), 0.01)
    assert found.threshold == pytest.approx(0.49)
    assert found.rate == 0.75
    assert (found.genuine_pairs, found.impostor_pairs) == (4, 100)
    assert found.interval[0] <= found.rate <= found.interval[1]


def test_rate_is_near_the_false_accept_rate_for_features_that_know_nothing():
    random = np.random.default_rng(0)
    features = random.normal(size=(400, 16)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    labels = Labels(np.repeat(np.arange(1, 41), 10), np.tile(np.arange(10), 40))
    found = true_accept_rate(Pairs.of(features, labels), 0.05, resamples=50)
    assert found.rate == pytest.approx(0.05, abs=0.03)
    assert found.interval[0] < found.interval[1]


def test_pairs_leave_out_the_same_camera():
    features = np.eye(4, dtype=np.float32)
    pairs = Pairs.of(features, Labels(np.array([5, 5, 5, 9]), np.array([0, 0, 1, 1])))
    assert len(pairs.similarity) == 4
    assert pairs.genuine.sum() == 2


def test_rate_of_equal_similarities_accepts_nobody():
    found = true_accept_rate(pairs_of([0.5] * 5, [0.5] * 200), 0.01)
    assert found.rate == 0


@pytest.mark.parametrize('pairs', [pairs_of([0.5], []), pairs_of([], [0.5])])
def test_rate_refuses_pairs_of_one_kind_only(pairs):
    with pytest.raises(ValueError, match='give people'):
        true_accept_rate(pairs)
