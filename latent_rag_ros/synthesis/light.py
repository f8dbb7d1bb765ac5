"""Sun and sky, and the shadow map that says what the sun does not reach."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .geometry import Faces, Floats
from .rasteriser import rasterise_heights
from .view import bounds

DARK_SUN = 0.25
"""Below this strength a sun casts no shadow worth computing."""


class Light(NamedTuple):
    """Direction towards the sun (3,), and linear RGB (3,) of sun, sky and light from below."""

    direction: NDArray[np.float64]
    sun: NDArray[np.float64]
    sky: NDArray[np.float64]
    ground: NDArray[np.float64]


class ShadowMap(NamedTuple):
    """Heights (s, s) towards the sun; `axes` (3, 3), `centre` (3,) and `scale` place it."""

    heights: Floats
    axes: NDArray[np.float64]
    centre: NDArray[np.float64]
    scale: float


def sample_light(rng: np.random.Generator, indoor: bool, night: bool) -> Light:
    """Draw daylight (clear or overcast), room light, or a street lamp at night."""
    elevation, azimuth = math.radians(rng.uniform(18, 75)), rng.uniform(0, 2 * np.pi)
    direction = np.array([math.cos(elevation) * math.cos(azimuth),
                          math.cos(elevation) * math.sin(azimuth), math.sin(elevation)])
    clear = not indoor and rng.random() > 0.5
    sun = rng.uniform(0.9, 1.9) if clear else rng.uniform(0.0, 0.5)
    sky = rng.uniform(0.3, 0.6) if sun >= 0.6 else rng.uniform(0.55, 0.95)
    warm = rng.normal(0, 0.06)
    if night:  # a lamp: one warm direction and little else
        sun, sky, warm = rng.uniform(0.5, 1.2), rng.uniform(0.10, 0.25), rng.uniform(0, 0.25)
    sun_colour = sun * np.array([1.05 + warm, 1, 0.92 - warm])
    if indoor or night:
        sky_colour = sky * np.array([1.05 + warm, 1, 0.92 - warm])
    else:
        sky_colour = sky * np.array([0.92 - warm * 0.5, 0.98, 1.08 + warm * 0.5])
    ground = sky_colour * np.array([0.55, 0.52, 0.48]) * rng.uniform(0.7, 1.1)
    return Light(direction, sun_colour, sky_colour, ground)


def shadow_map(light: Light, vertices: Floats, faces: Faces, coverage: Floats,
               size: int) -> ShadowMap:
    """Return the shadow map (size, size) of all people; empty where the sun is too weak."""
    direction = light.direction
    right = np.cross((0, 0, 1), direction)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(direction, right), direction])
    if light.sun.max() < DARK_SUN:
        return ShadowMap(np.full((1, 1), -1e9, np.float32), axes, np.zeros(3), 0.0)
    low, high = bounds(vertices, coverage >= 0)
    centre = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, 0.9])
    reach = max(1.15, float((high - low)[:2].max()) * 0.75 + 0.6)
    scale = size / (2 * reach)
    heights = np.full((size, size), -1e9, np.float32)
    points = ((vertices - centre.astype(np.float32)) @ axes.T.astype(np.float32))
    points[:, :2] = points[:, :2] * np.float32(scale) + np.float32(size / 2)
    rasterise_heights(points, faces, coverage, heights)
    return ShadowMap(heights, axes, centre, scale)


@njit(cache=True)
def sunlit(shadows: ShadowMap, x: float, y: float, z: float, spread: float) -> float:
    """Return the lit share 0..1 of a point: nine samples, `spread` map pixels apart."""
    size = shadows.heights.shape[0]
    if size == 1:
        return 1.0
    dx, dy, dz = x - shadows.centre[0], y - shadows.centre[1], z - shadows.centre[2]
    axes = shadows.axes
    u = (axes[0, 0] * dx + axes[0, 1] * dy + axes[0, 2] * dz) * shadows.scale + size * 0.5
    v = (axes[1, 0] * dx + axes[1, 1] * dy + axes[1, 2] * dz) * shadows.scale + size * 0.5
    height = axes[2, 0] * dx + axes[2, 1] * dy + axes[2, 2] * dz + 0.012
    if u < 2 or v < 2 or u >= size - 2 or v >= size - 2:
        return 1.0
    lit = 0
    for i in range(-1, 2):
        for j in range(-1, 2):
            if shadows.heights[int(v + i * spread), int(u + j * spread)] <= height:
                lit += 1
    return lit / 9.0
