"""Raw detector output is checked before anybody relies on it."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.perception.detector import (
    DETECTIONS_MAX, DetectorError, checked_detections)
from latent_rag_ros.protection.types import Box, Detection

GOOD = np.array([[10.2, 20.7, 50.1, 90.0]])


def test_boxes_are_rounded_outwards() -> None:
    assert checked_detections(GOOD, np.array([0.5]), 100, 100) == [
        Detection(Box(10, 20, 51, 90), 0.5)]


def test_boxes_are_clipped_when_they_reach_beyond_the_image() -> None:
    boxes = np.array([[-5.0, -5.0, 30.0, 300.0], [200.0, 10.0, 220.0, 40.0]])
    assert checked_detections(boxes, np.array([0.5, 0.4]), 100, 100) == [
        Detection(Box(0, 0, 30, 100), 0.5)]


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
def test_box_is_refused_when_not_finite(value: float) -> None:
    with pytest.raises(DetectorError, match='not finite'):
        checked_detections(np.array([[10.0, 20.0, value, 90.0]]), np.array([0.5]), 100, 100)


def test_score_is_refused_when_not_finite() -> None:
    with pytest.raises(DetectorError, match='not finite'):
        checked_detections(GOOD, np.array([np.nan]), 100, 100)


@pytest.mark.parametrize('score', [-0.1, 1.1])
def test_score_is_refused_when_no_probability(score: float) -> None:
    with pytest.raises(DetectorError, match='score outside'):
        checked_detections(GOOD, np.array([score]), 100, 100)


def test_box_is_refused_when_inside_out() -> None:
    with pytest.raises(DetectorError, match='inside out'):
        checked_detections(GOOD[:, [2, 1, 0, 3]], np.array([0.5]), 100, 100)


def test_output_is_refused_when_there_are_too_many_boxes() -> None:
    count = DETECTIONS_MAX + 1
    with pytest.raises(DetectorError, match='more than'):
        checked_detections(np.repeat(GOOD, count, axis=0), np.full(count, 0.5), 100, 100)
