"""Several boxes of one person become one person, and nothing of what they cover is lost."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.perception.clusters import clustered, united
from latent_rag_ros.protection.types import Box, Detection

PERSON = Box(100, 50, 140, 150)


def test_extent_holds_the_suppressed_boxes_of_a_person() -> None:
    boxes = np.array([[100, 50, 140, 150], [96, 52, 138, 158], [300, 50, 340, 150]], float)
    kept, extents = clustered(boxes, np.array([0.9, 0.4, 0.6]), 0.6)
    assert kept.tolist() == [0, 2]
    assert extents.tolist() == [[96, 50, 140, 158], [300, 50, 340, 150]]


def test_nobody_is_clustered_when_there_are_no_boxes() -> None:
    kept, extents = clustered(np.zeros((0, 4)), np.zeros(0), 0.6)
    assert len(kept) == 0
    assert extents.shape == (0, 4)


def test_views_of_one_person_are_united_and_the_best_box_leads() -> None:
    found = united([Detection(Box(98, 50, 140, 152), 0.5), Detection(PERSON, 0.8)], 0.6, 0.35)
    assert found == [Detection(PERSON, 0.8, Box(98, 50, 140, 152))]


def test_extents_of_the_views_are_kept() -> None:
    wide = Detection(PERSON, 0.3, Box(90, 50, 150, 160))
    assert united([wide, Detection(PERSON, 0.8)], 0.6, 0.35) == [
        Detection(PERSON, 0.8, wide.extent)]


def test_uncertain_head_inside_a_person_is_no_person_of_its_own() -> None:
    head = Detection(Box(110, 45, 130, 75), 0.2)
    found = united([Detection(PERSON, 0.8), head], 0.6, 0.35)
    assert len(found) == 2  # 5 of 30 rows stick out: less than 90 % inside
    head = Detection(Box(110, 48, 130, 75), 0.2)
    assert united([Detection(PERSON, 0.8), head], 0.6, 0.35) == [
        Detection(PERSON, 0.8, Box(100, 48, 140, 150))]


def test_certain_child_inside_an_adult_stays_a_person() -> None:
    child = Detection(Box(110, 100, 130, 150), 0.7)
    found = united([Detection(PERSON, 0.8), child], 0.6, 0.35)
    assert [detection.box for detection in found] == [PERSON, child.box]


def test_every_pixel_of_every_box_is_covered_when_boxes_are_random() -> None:
    rng = np.random.default_rng(4)
    left_top = rng.integers(0, 200, (60, 2))
    boxes = np.hstack([left_top, left_top + rng.integers(5, 80, (60, 2))])
    found = [Detection(Box(*map(int, box)), float(score))
             for box, score in zip(boxes, rng.uniform(0.1, 1, 60))]
    before, after = (np.zeros((300, 300), bool) for _ in range(2))
    for detection in found:
        before[detection.box.slices] = True
    for detection in united(united(found, 0.7, 0.35), 0.5, 0.35):
        after[detection.covered.slices] = True
    assert not (before & ~after).any()
