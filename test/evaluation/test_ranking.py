"""Rank-1 and mAP against hand calculation and against a second, naive implementation."""
from __future__ import annotations

import math

import numpy as np
import pytest

from latent_rag_ros.evaluation.ranking import DISTRACTOR, JUNK, Labels, rank


def labels(*pairs: tuple[int, int]) -> Labels:
    array = np.array(pairs, np.int64).reshape(-1, 2)
    return Labels(array[:, 0], array[:, 1])


def at(*degrees: float) -> np.ndarray:
    angle = np.radians(np.array(degrees))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def test_rank_counts_hits_and_misses_in_order():
    # order by angle: hit, miss, hit -> precision 1/1 and 2/3
    ranking = rank(at(0), labels((1, 1)), at(10, 20, 30), labels((1, 2), (2, 2), (1, 3)))
    assert ranking.rank1 == 1.0
    assert ranking.mean_average_precision == pytest.approx((1 + 2 / 3) / 2)


def test_rank_leaves_out_the_same_identity_in_the_same_camera():
    ranking = rank(at(0), labels((1, 1)), at(1, 20, 30), labels((1, 1), (2, 1), (1, 2)))
    assert ranking.rank1 == 0.0
    assert ranking.mean_average_precision == pytest.approx(1 / 2)


def test_rank_keeps_another_identity_in_the_same_camera():
    ranking = rank(at(0), labels((1, 1)), at(5, 10), labels((2, 1), (1, 2)))
    assert ranking.rank1 == 0.0


def test_rank_counts_distractors_as_misses_and_ignores_junk():
    gallery = labels((JUNK, 2), (DISTRACTOR, 2), (1, 2))
    ranking = rank(at(0), labels((1, 1)), at(1, 5, 10), gallery)
    assert ranking.mean_average_precision == pytest.approx(1 / 2)


def test_rank_puts_misses_first_when_similarities_are_equal():
    ranking = rank(at(0), labels((1, 1)), at(5, 5), labels((1, 2), (2, 2)))
    assert ranking.mean_average_precision == pytest.approx(1 / 2)


def test_rank_leaves_out_queries_without_a_match():
    ranking = rank(at(0, 0), labels((1, 1), (9, 1)), at(5), labels((1, 2)))
    assert math.isnan(ranking.average_precision[1])
    assert ranking.rank1 == 1.0


def naive(query, query_labels, gallery, gallery_labels) -> tuple[list[float], list[float]]:
    """The rule written out picture by picture."""
    first, average = [], []
    for row in range(len(query)):
        identity, camera = query_labels.identities[row], query_labels.cameras[row]
        similarity = query[row] @ gallery.T
        ordered = sorted(range(len(gallery)), key=similarity.__getitem__, reverse=True)
        seen = hits = 0
        precision = []
        for column in ordered:
            same = gallery_labels.identities[column] == identity
            if gallery_labels.identities[column] == JUNK:
                continue
            if same and gallery_labels.cameras[column] == camera:
                continue
            seen += 1
            if same:
                hits += 1
                precision.append(hits / seen)
        first.append(float(precision[0] == 1))
        average.append(sum(precision) / len(precision))
    return first, average


def test_rank_agrees_with_the_rule_written_out():
    rng = np.random.default_rng(4)
    features = rng.normal(size=(140, 8)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    identities = np.concatenate([np.repeat(np.arange(1, 21), 6), np.full(10, DISTRACTOR),
                                 np.full(10, JUNK)])
    cameras = np.concatenate([np.tile([1, 1, 2, 2, 3, 3], 20), rng.integers(1, 4, 20)])
    query = Labels(identities[:120:4], cameras[:120:4])
    gallery = Labels(identities, cameras)
    ranking = rank(features[:120:4], query, features, gallery)
    first, average = naive(features[:120:4], query, features, gallery)
    np.testing.assert_allclose(ranking.first_is_match, first)
    np.testing.assert_allclose(ranking.average_precision, average)


def test_rank_refuses_lengths_that_differ():
    with pytest.raises(ValueError, match='gallery has 2 features'):
        rank(at(0), labels((1, 1)), at(1, 2), labels((1, 2)))


def test_rank_refuses_distractors_as_queries():
    with pytest.raises(ValueError, match='distractor'):
        rank(at(0), labels((DISTRACTOR, 1)), at(1), labels((1, 2)))


def test_rank_refuses_a_set_of_one_camera():
    with pytest.raises(ValueError, match='two cameras'):
        rank(at(0), labels((1, 1)), at(1), labels((1, 1)))
