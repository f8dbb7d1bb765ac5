"""Z-buffer rasteriser: which face each pixel sees, and the depth map of the shadows."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .geometry import Faces, Floats


class Buffers(NamedTuple):
    """What a rasterised picture knows about each pixel, shapes (height, width, ...).

    `face` is the visible face or -1, `barycentric` (…, 2) the weights of its second and third
    corner, `inverse_depth` 1 / m, zero where nothing is.
    """

    face: NDArray[np.int32]
    barycentric: Floats
    inverse_depth: Floats


def empty_buffers(height: int, width: int) -> Buffers:
    """Return buffers of a picture that shows nothing yet."""
    return Buffers(np.full((height, width), -1, np.int32),
                   np.zeros((height, width, 2), np.float32), np.zeros((height, width), np.float32))


@njit(cache=True, error_model='numpy')
def rasterise(points: Floats, faces: Faces, coverage: Floats, buffers: Buffers) -> None:
    """Draw faces into `buffers`, nearest first.

    `points` (n, 3) are x and y in pixels and inverse depth; vertices with no positive depth are
    behind the camera. A garment ends where its interpolated `coverage` (n,) falls below zero.
    """
    height, width = buffers.face.shape
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        depth_a, depth_b, depth_c = points[a, 2], points[b, 2], points[c, 2]
        cover_a, cover_b, cover_c = coverage[a], coverage[b], coverage[c]
        if depth_a <= 0 or depth_b <= 0 or depth_c <= 0:
            continue
        if cover_a < 0 and cover_b < 0 and cover_c < 0:
            continue
        ax, ay = points[a, 0], points[a, 1]
        bx, by = points[b, 0], points[b, 1]
        cx, cy = points[c, 0], points[c, 1]
        left = max(0, math.ceil(min(ax, bx, cx) - 0.5))
        right = min(width - 1, math.floor(max(ax, bx, cx) - 0.5))
        top = max(0, math.ceil(min(ay, by, cy) - 0.5))
        bottom = min(height - 1, math.floor(max(ay, by, cy) - 0.5))
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if left > right or top > bottom or area == 0:
            continue
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                dx, dy = x + 0.5 - ax, y + 0.5 - ay
                second = (dx * (cy - ay) - (cx - ax) * dy) / area
                third = ((bx - ax) * dy - dx * (by - ay)) / area
                first = 1 - second - third
                if first < 0 or second < 0 or third < 0:
                    continue
                depth = first * depth_a + second * depth_b + third * depth_c
                if depth <= buffers.inverse_depth[y, x]:
                    continue
                if first * cover_a + second * cover_b + third * cover_c < 0:
                    continue
                buffers.inverse_depth[y, x] = depth
                buffers.face[y, x] = f
                buffers.barycentric[y, x, 0] = second
                buffers.barycentric[y, x, 1] = third


@njit(cache=True, error_model='numpy')
def rasterise_heights(points: Floats, faces: Faces, coverage: Floats, heights: Floats) -> None:
    """Draw the largest third coordinate of `points` (n, 3) per pixel into `heights` (s, s).

    Faces with a corner that is not covered are left out: shadows of hems need no sub-face edge.
    """
    size = heights.shape[0]
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        if coverage[a] < 0 or coverage[b] < 0 or coverage[c] < 0:
            continue
        ax, ay = points[a, 0], points[a, 1]
        bx, by = points[b, 0], points[b, 1]
        cx, cy = points[c, 0], points[c, 1]
        left = max(0, math.floor(min(ax, bx, cx)))
        right = min(size - 1, math.ceil(max(ax, bx, cx)))
        top = max(0, math.floor(min(ay, by, cy)))
        bottom = min(size - 1, math.ceil(max(ay, by, cy)))
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if left > right or top > bottom or area == 0:
            continue
        for y in range(top, bottom + 1):
            for x in range(left, right + 1):
                dx, dy = x + 0.5 - ax, y + 0.5 - ay
                second = (dx * (cy - ay) - (cx - ax) * dy) / area
                third = ((bx - ax) * dy - dx * (by - ay)) / area
                first = 1 - second - third
                if first < 0 or second < 0 or third < 0:
                    continue
                value = first * points[a, 2] + second * points[b, 2] + third * points[c, 2]
                if value > heights[y, x]:
                    heights[y, x] = value
