"""The second opinion finds who was missed, and adds nobody who was found."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.perception import nanodet, person_mask
from latent_rag_ros.perception.nanodet import NanoDetDetector
from latent_rag_ros.perception.person_mask import PersonMasker
from latent_rag_ros.perception.second_opinion import SCORE, SecondOpinion
from latent_rag_ros.perception.united_detector import UnitedDetector
from latent_rag_ros.protection.types import Box, Detection
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY


@pytest.fixture(scope='module')
def second_opinion() -> SecondOpinion:
    return SecondOpinion(PersonMasker(WEIGHTS_DIRECTORY / person_mask.WEIGHTS_NAME, 0.3))


class Blind:
    """A detector that finds nobody."""

    def detect(self, image):
        return []


def share_inside(box: Box, detections: list[Detection], size: tuple[int, int]) -> float:
    """Return the share of a box that detections cover."""
    covered = np.zeros(size, bool)
    for detection in detections:
        covered[detection.covered.slices] = True
    return float(covered[box.slices].mean())


def test_people_are_found_although_the_detector_is_blind(second_opinion, people) -> None:
    shares = []
    for image, boxes in people:
        found = UnitedDetector([Blind()], 0.6, 0.35, second_opinion).detect(image)
        assert all(detection.score == SCORE for detection in found)
        shares += [share_inside(Box(*box), found, image.shape[:2]) for box in boxes
                   if box[3] - box[1] > 100]
    assert np.mean(np.array(shares) > 0.3) >= 0.5


def test_found_people_are_not_found_twice(second_opinion, people) -> None:
    image, boxes = people[0]
    everything = [Detection(Box(0, 0, image.shape[1], image.shape[0]), 0.9)]
    assert second_opinion.missed(image, everything) == []


def test_nobody_is_found_in_an_empty_picture(second_opinion) -> None:
    assert second_opinion.missed(np.full((120, 160, 3), 90, np.uint8), []) == []


def test_union_covers_what_each_detector_finds(people) -> None:
    weights = WEIGHTS_DIRECTORY / nanodet.WEIGHTS_NAME
    one = NanoDetDetector(weights, 0.2, 0.6, views=1)
    two = NanoDetDetector(weights, 0.2, 0.6, network=one.network)
    for image, _ in people:
        both = UnitedDetector([one, two], 0.6, 0.35).detect(image)
        for detection in (*one.detect(image), *two.detect(image)):
            assert share_inside(detection.covered, both, image.shape[:2]) == 1.0
