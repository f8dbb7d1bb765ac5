"""Ranking and verification in four settings, on features that are known."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.privacy.reid_figures import (
    cross_pairs, reid_figures, setting_figures)
from latent_rag_ros.evaluation.ranking import Labels, rank

PEOPLE, CAMERAS = 6, 3


@pytest.fixture(scope='module')
def people() -> HeldOutPeople:
    identities = np.repeat(np.arange(1, PEOPLE + 1), CAMERAS)
    cameras = np.tile(np.arange(CAMERAS), PEOPLE)
    return HeldOutPeople(np.zeros((len(identities), 128, 64, 3), np.uint8),
                         Labels(identities, cameras))


def perfect(people: HeldOutPeople) -> np.ndarray:
    return np.eye(PEOPLE, dtype=np.float32)[people.labels.identities - 1]


def test_perfect_features_reach_one_everywhere(people):
    figures = setting_figures(perfect(people), perfect(people), people)
    for name in ('rank1', 'rank5', 'rank10', 'map', 'minp', 'tar_at_far_1pct'):
        assert figures[name] == 1


def test_exchanged_people_are_found_as_somebody_else(people):
    raw = perfect(people)
    exchanged = np.roll(raw, CAMERAS, axis=0)
    figures = reid_figures({'authorised': raw}, {'authorised': exchanged}, people)['authorised']
    assert figures['raw_raw']['rank1'] == 1
    assert figures['prot_prot']['rank1'] == 1
    assert figures['prot_raw']['rank1'] == figures['raw_prot']['rank1'] == 0


def test_minp_is_the_share_of_matches_up_to_the_last_one():
    # gallery order: miss, hit, miss, hit -> 2 matches, the last one at place 4
    angles = np.radians([10.0, 20, 30, 40])
    gallery = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    query = np.array([[1.0, 0]], np.float32)
    ranking = rank(query, Labels(np.array([1]), np.array([0])), gallery,
                   Labels(np.array([2, 1, 3, 1]), np.array([1, 1, 1, 2])))
    assert ranking.inverse_negative_penalty.tolist() == [0.5]
    assert ranking.first_hit.tolist() == [2]
    assert (ranking.hit_within(1).tolist(), ranking.hit_within(2).tolist()) == ([0], [1])


def test_cross_pairs_leave_out_the_same_camera_and_keep_genuine_ones(people):
    raw = perfect(people)
    whole = cross_pairs(raw, people.labels, raw, people.labels)
    count = PEOPLE * CAMERAS
    assert len(whole.similarity) == count * (count - PEOPLE)
    fewer = cross_pairs(raw, people.labels, raw, people.labels, pairs_max=100)
    assert fewer.genuine.sum() == whole.genuine.sum() == count * (CAMERAS - 1)
    assert len(fewer.similarity) < len(whole.similarity)
