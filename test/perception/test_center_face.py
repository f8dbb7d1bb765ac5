"""CenterFace: what is put into the network, and what is read from it."""
from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from latent_rag_ros.perception.center_face import (
    WEIGHTS_NAME, CenterFaceDetector, decoded, network_input)
from latent_rag_ros.weights.registry import WeightsError

FOLDER = os.environ.get('LATENT_RAG_FACE_NETWORKS', '')
"""Where scripts/convert_face_networks.py wrote to; the networks are not shipped."""


def test_picture_is_filled_to_whole_cells_and_scaled_down() -> None:
    blob, scale = network_input(np.full((100, 70, 3), 200, np.uint8), 640)
    assert blob.shape == (1, 3, 128, 96) and scale == 1
    assert (blob[:, :, :100, :70] == 200).all() and blob[:, :, 100:].max() == 0
    blob, scale = network_input(np.zeros((480, 1280, 3), np.uint8), 640)
    assert blob.shape == (1, 3, 256, 640) and scale == 0.5


def test_face_is_read_from_its_cell() -> None:
    heat, sizes, offsets = np.zeros((1, 1, 8, 8)), np.zeros((1, 2, 8, 8)), np.zeros((1, 2, 8, 8))
    points = np.zeros((1, 10, 8, 8))
    heat[0, 0, 3, 5], offsets[0, :, 3, 5] = 0.9, (0.25, -0.5)
    sizes[0, :, 3, 5] = np.log([4, 2])                           # 16 pixels high, 8 wide
    points[0, :, 3, 5] = [.3, .2, .3, .8, .5, .5, .8, .3, .8, .7]
    scores, boxes, landmarks = decoded(heat, sizes, offsets, points, 0.5)
    np.testing.assert_allclose(scores, [0.9])
    np.testing.assert_allclose(boxes, [[16, 7, 24, 23]])
    np.testing.assert_allclose(landmarks[0, 0], [16 + 0.2 * 8, 7 + 0.3 * 16])
    np.testing.assert_allclose(landmarks[0, 4], [16 + 0.7 * 8, 7 + 0.8 * 16])


def test_detector_is_refused_without_its_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=WEIGHTS_NAME):
        CenterFaceDetector(tmp_path / WEIGHTS_NAME)


@pytest.mark.skipif(not FOLDER, reason='LATENT_RAG_FACE_NETWORKS names no folder')
def test_no_face_is_found_where_there_is_none() -> None:
    detector = CenterFaceDetector(Path(FOLDER) / WEIGHTS_NAME)
    wall = cv2.GaussianBlur(np.random.default_rng(0).integers(90, 160, (200, 300, 3)).astype(
        np.uint8), (0, 0), 3)
    assert detector.detect(wall) == []
