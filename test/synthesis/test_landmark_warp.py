"""Bending a picture: landmarks arrive where they are wanted, and nothing else happens."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from latent_rag_ros.synthesis.landmark_warp import with_landmarks

LANDMARKS = np.float32([[30, 35], [62, 36], [46, 50], [34, 68], [60, 67]])


@pytest.mark.parametrize('seed', range(4))
def test_landmarks_arrive_where_they_are_wanted(seed: int) -> None:
    wanted = LANDMARKS + np.random.default_rng(seed).uniform(-4, 4, (5, 2)).astype(np.float32)
    for landmark, place in zip(LANDMARKS, wanted):
        picture = np.zeros((96, 96, 3), np.uint8)
        cv2.circle(picture, tuple(int(value) for value in landmark), 4, (255, 255, 255), -1)
        found = with_landmarks(picture, LANDMARKS, wanted)[..., 0].astype(float)
        rows, columns = np.indices(found.shape)
        middle = np.array([(columns * found).sum(), (rows * found).sum()]) / found.sum()
        assert np.linalg.norm(middle - place) < 1


def test_picture_stays_when_its_landmarks_do() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    found = with_landmarks(picture, LANDMARKS, LANDMARKS)
    assert np.abs(found.astype(int) - picture).max() <= 1


def test_picture_stays_when_nobody_knows_its_landmarks() -> None:
    picture, unknown = np.full((96, 96, 3), 7, np.uint8), np.full((5, 2), np.nan, np.float32)
    assert with_landmarks(picture, unknown, LANDMARKS) is picture
    assert with_landmarks(picture, LANDMARKS, unknown) is picture


def test_landmarks_that_change_sides_leave_no_hole() -> None:
    wanted = LANDMARKS.copy()
    wanted[2] = LANDMARKS[0] - 3
    found = with_landmarks(np.full((96, 96, 3), 90, np.uint8), LANDMARKS, wanted)
    assert (found == 90).all()
