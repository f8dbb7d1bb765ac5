"""Silhouettes of held-out people, and their overlap."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.silhouettes import Silhouettes, intersection_over_union


def test_silhouettes_lie_on_the_person_in_the_middle():
    people = load_held_out_people('validation').first_identities(2)
    masks = Silhouettes().of(people.images)
    assert masks.shape == people.images.shape[:3]
    share = masks.mean(axis=(1, 2))
    assert np.median(share) > 0.15
    assert masks[:, 40:90, 20:44].mean() > masks[:, :, :6].mean() + 0.3


def test_silhouettes_of_a_grey_picture_are_next_to_empty():
    assert Silhouettes().of(np.full((1, 128, 64, 3), 128, np.uint8)).mean() < 0.05


def test_intersection_over_union_of_known_masks():
    whole, half = np.ones((1, 4, 4), bool), np.zeros((1, 4, 4), bool)
    half[:, :2] = True
    none = np.zeros((1, 4, 4), bool)
    assert intersection_over_union(whole, half)[0] == 0.5
    assert intersection_over_union(half, half)[0] == 1
    assert intersection_over_union(none, none)[0] == 0
