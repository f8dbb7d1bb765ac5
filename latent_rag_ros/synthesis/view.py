"""Pinhole views: where points of the world appear in a picture, and where light falls from."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .geometry import Floats


class View(NamedTuple):
    """A pinhole camera.

    `rotation` (3, 3) has the picture's right, down and forward as rows, `position` (3,) is in
    metres (z up); the focal length and the principal point are in pixels.
    """

    rotation: NDArray[np.float64]
    position: NDArray[np.float64]
    focal_px: float
    centre_x_px: float
    centre_y_px: float

    def window(self, left_px: float, top_px: float, scale: float) -> View:
        """Return the view of a part of the picture, enlarged by `scale`."""
        return View(self.rotation, self.position, self.focal_px * scale,
                    (self.centre_x_px - left_px) * scale, (self.centre_y_px - top_px) * scale)


def looking(height_m: float, down_rad: float, focal_px: float, width_px: int,
            height_px: int) -> View:
    """Return a view along +y from above the origin, tilted down."""
    forward = np.array([0, math.cos(down_rad), -math.sin(down_rad)])
    right = np.array([1.0, 0, 0])
    return View(np.stack([right, np.cross(forward, right), forward]), np.array([0, 0, height_m]),
                focal_px, width_px / 2, height_px / 2)


NEAREST_M = 0.1


@njit(cache=True)
def bounds(points: Floats, chosen: NDArray[np.bool_]) -> Floats:
    """Return the smallest and largest values (2, k) of the chosen rows of `points` (n, k)."""
    columns = points.shape[1]
    result = np.empty((2, columns), np.float32)
    result[0], result[1] = np.inf, -np.inf
    for row in range(points.shape[0]):
        if chosen[row]:
            for k in range(columns):
                result[0, k] = min(result[0, k], points[row, k])
                result[1, k] = max(result[1, k], points[row, k])
    return result


@njit(cache=True)
def projected(vertices: Floats, view: View) -> Floats:
    """Return x and y in pixels and inverse depth (n, 3); -1 for points behind the camera."""
    points = np.empty((vertices.shape[0], 3), np.float32)
    for v in range(vertices.shape[0]):
        x = vertices[v, 0] - view.position[0]
        y = vertices[v, 1] - view.position[1]
        z = vertices[v, 2] - view.position[2]
        r = view.rotation
        depth = r[2, 0] * x + r[2, 1] * y + r[2, 2] * z
        if depth < NEAREST_M:
            points[v, 0] = points[v, 1] = 0
            points[v, 2] = -1
            continue
        points[v, 0] = view.focal_px * (r[0, 0] * x + r[0, 1] * y + r[0, 2] * z
                                        ) / depth + view.centre_x_px
        points[v, 1] = view.focal_px * (r[1, 0] * x + r[1, 1] * y + r[1, 2] * z
                                        ) / depth + view.centre_y_px
        points[v, 2] = 1 / depth
    return points
