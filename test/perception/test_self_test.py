"""A detector that finds nobody any more is noticed."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.perception import self_test
from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.perception.self_test import PERSON, SelfTestingDetector, shipped_picture
from latent_rag_ros.protection.assembly import assemble
from latent_rag_ros.protection.types import Box, Detection
from latent_rag_ros.weights.registry import sha256_of

EMPTY = np.zeros((48, 64, 3), np.uint8)


class Detector:
    """Finds what the test wants in the camera's frames and in the test picture."""

    def __init__(self, in_frames: list[Detection], in_picture: list[Detection]) -> None:
        self.in_frames, self.in_picture, self.tests = in_frames, in_picture, 0

    def detect(self, image):
        if image.shape == EMPTY.shape:
            return self.in_frames
        self.tests += 1
        return self.in_picture


def test_stuck_detector_is_noticed_after_the_empty_frames() -> None:
    stuck = SelfTestingDetector(Detector([], []), 3, shipped_picture())
    assert stuck.detect(EMPTY) == stuck.detect(EMPTY) == []
    for _ in range(2):
        with pytest.raises(DetectorError, match='self-test'):
            stuck.detect(EMPTY)


def test_box_elsewhere_does_not_pass() -> None:
    wrong = SelfTestingDetector(Detector([], [Detection(Box(0, 0, 40, 60), 0.9)]), 1,
                                shipped_picture())
    with pytest.raises(DetectorError, match='self-test'):
        wrong.detect(EMPTY)


def test_empty_room_is_no_fault_and_is_tested_now_and_then() -> None:
    detector = Detector([], [Detection(PERSON, 0.8)])
    tested = SelfTestingDetector(detector, 3, shipped_picture())
    for _ in range(7):
        assert tested.detect(EMPTY) == []
    assert detector.tests == 2


def test_nothing_is_tested_while_people_are_found() -> None:
    detector = Detector([Detection(Box(1, 1, 5, 9), 0.5)], [])
    tested = SelfTestingDetector(detector, 1, shipped_picture())
    assert len(tested.detect(EMPTY)) == 1
    assert detector.tests == 0


@pytest.mark.parametrize('coverage', ['fast', 'safe', 'strict'])
def test_shipped_detector_passes_with_every_preset(coverage: str) -> None:
    parts = assemble(checked_values(PROTECTOR, {
        'protection.coverage': coverage, 'protection.method': 'solid', 'identity.publish': False,
        'detector.self_test_frames': 1}))
    assert parts.detector.detect(np.full((96, 128, 3), 127, np.uint8)) == []


def test_card_names_the_hash_of_the_picture() -> None:
    card = self_test.PICTURE_FILE.with_suffix('.md').read_text(encoding='utf-8')
    assert sha256_of(self_test.PICTURE_FILE) in card


def test_missing_picture_is_named(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(self_test, 'PICTURE_FILE', tmp_path / 'gone.jpg')
    with pytest.raises(DetectorError, match='gone.jpg'):
        shipped_picture()
