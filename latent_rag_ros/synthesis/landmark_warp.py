"""Pictures bent until their landmarks lie where others do: one head in the shape of another.

Thin-plate splines (Bookstein, "Principal Warps", PAMI 1989) through the landmarks and through
points around the picture, which stay.
"""
from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

BORDER_POINTS, BORDER_SHARE = 7, 0.15
"""How many fixed points lie on every side of the picture, and how far outside of it."""

SMOOTHING = 1e-3
"""How much landmarks may miss their place, so that two that change sides do not fold a face."""

GRID = 17
"""The spline is computed at this many places of each row and column, in between it is linear."""


def with_landmarks(image: NDArray[np.uint8], landmarks: NDArray[np.float32],
                   wanted: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a square picture in which the landmarks lie where they are wanted.

    Parameters
    ----------
    image : NDArray
        Shape (s, s, 3), uint8.
    landmarks, wanted : NDArray
        Shape (k, 2), pixels; unknown ones are NaN and leave the picture as it is.
    """
    side_px = image.shape[0]
    if not (np.isfinite(landmarks).all() and np.isfinite(wanted).all()):
        return image
    border = _border()
    sources = np.concatenate([(landmarks + 0.5) / side_px, border])
    places = np.concatenate([(wanted + 0.5) / side_px, border])
    spline = RBFInterpolator(places, sources - places, smoothing=SMOOTHING,
                             kernel='thin_plate_spline')
    axis = (np.arange(GRID) / (GRID - 1) * (side_px - 1) + 0.5) / side_px
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    offsets = (spline(grid) * side_px).reshape(GRID, GRID, 2).astype(np.float32)
    steps = np.linspace(0, GRID - 1, side_px, dtype=np.float32)
    where = cv2.remap(offsets, *np.meshgrid(steps, steps), cv2.INTER_LINEAR)
    pixels = np.arange(side_px, dtype=np.float32)
    return cv2.remap(image, where + np.stack(np.meshgrid(pixels, pixels), -1), None,
                     cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _border() -> NDArray[np.float64]:
    """Return the fixed points (24, 2) around a picture whose sides are 1."""
    axis = np.linspace(-BORDER_SHARE, 1 + BORDER_SHARE, BORDER_POINTS)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    return points[np.isin(points, axis[[0, -1]]).any(1)]
