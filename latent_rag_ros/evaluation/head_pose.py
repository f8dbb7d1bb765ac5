"""How a head is turned, from the landmarks of its face and the shape of an average head."""
from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.synthesis.head_landmarks import landmark_vertices
from latent_rag_ros.synthesis.head_model import head_model

POINTS = {'right outer eye': 36, 'right inner eye': 39, 'left inner eye': 42,
          'left outer eye': 45, 'nose tip': 30, 'right mouth corner': 48,
          'left mouth corner': 54, 'chin': 8}
"""Landmarks of the model and their numbers among the usual 68."""

FOCAL_PER_SIZE = 8.0
"""Focal length relative to the extent of the landmarks: a face seen from about two metres."""


@functools.lru_cache(maxsize=1)
def _average_head() -> NDArray[np.float64]:
    """Return the points (8, 3) of the average head: right, down and away from the camera."""
    vertices = landmark_vertices()
    points = head_model().mean[[vertices[name] for name in POINTS]].astype(np.float64)
    return np.ascontiguousarray(points[:, [0, 2, 1]] * [1, -1, 1])


def head_rotation(landmarks: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the rotation (3, 3) of a head that faces the camera at identity.

    `landmarks` (68, 2) in pixels; NaN gives NaN, and so do landmarks that fit no head.
    """
    chosen = np.asarray(landmarks, np.float64)[list(POINTS.values())]
    size = np.ptp(chosen, axis=0).max()
    if not np.isfinite(chosen).all() or size <= 0:
        return np.full((3, 3), np.nan)
    focal, middle = FOCAL_PER_SIZE * size, chosen.mean(0)
    camera = np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]])
    head = _average_head()
    distance = focal * np.ptp(head, axis=0).max() / size
    solved, turn, _ = cv2.solvePnP(head, chosen, camera, None, np.zeros((3, 1)),
                                   np.array([[0.0], [0.0], [distance]]), True,
                                   cv2.SOLVEPNP_ITERATIVE)
    return cv2.Rodrigues(turn)[0] if solved else np.full((3, 3), np.nan)


def angle_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return by how many degrees one rotation (3, 3) has to turn to become the other."""
    cosine = (np.trace(one.T @ other) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def yaw_deg(rotation: NDArray[np.float64]) -> float:
    """Return how far a head is turned to the person's left, in degrees."""
    return float(np.degrees(np.arctan2(-rotation[0, 2], rotation[2, 2])))
