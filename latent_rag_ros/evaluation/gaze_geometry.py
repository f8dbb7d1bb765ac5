"""Directions of gaze: unit vectors to the right and down in the picture and towards the camera."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Directions = NDArray[np.float64]
"""Shape (n, 3), unit vectors; NaN where nothing is known."""


def gaze_directions(angles_deg: ArrayLike) -> Directions:
    """Return the directions (n, 3) of yaw and pitch (n, 2) in degrees.

    Yaw is to the person's left, which is right in the picture, and pitch upwards; zero looks into
    the camera.
    """
    yaw, pitch = np.radians(np.asarray(angles_deg, np.float64).reshape(-1, 2)).T
    return np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), np.cos(yaw) * np.cos(pitch)], 1)


def turned_in_picture(direction: ArrayLike, turn: complex) -> Directions:
    """Return a direction (3,) after its picture was turned by a complex number of length 1."""
    right, down, ahead = np.asarray(direction, np.float64)
    flat = complex(right, down) * turn
    return np.array([flat.real, flat.imag, ahead])


def gaze_angles_deg(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Return the angles (n,) between directions (n, 3), in degrees; NaN stays NaN."""
    # by the chord: the arc cosine of nearly 1 is not exact
    chords = np.linalg.norm(np.asarray(one, np.float64) - np.asarray(other, np.float64), axis=-1)
    return np.degrees(2 * np.arcsin(np.clip(chords / 2, 0, 1)))


def mean_direction(directions: Directions) -> Directions:
    """Return the direction (3,) in the middle of others (n, 3)."""
    middle = np.asarray(directions, np.float64).mean(0)
    return middle / max(float(np.linalg.norm(middle)), 1e-9)
