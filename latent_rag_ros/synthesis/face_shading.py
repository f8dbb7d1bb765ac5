"""Light on a face: soft shading of skin, gloss, wet eyes, strands of hair (over pixel lists)."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .geometry import Faces, Floats
from .light import Light, ShadowMap, sunlit
from .rasteriser import rasterise_heights

SHADOW_PX, SHADOW_REACH_M = 176, 0.30

WRAP = np.array([.38, .20, .14], np.float32)
"""How far red, green and blue light creeps around into the shade: it scatters in skin."""


@dataclass(frozen=True)
class Gloss:
    """A highlight: strength, Blinn-Phong exponent, and what is added at grazing angles."""

    strength: NDArray | float
    sharpness: float
    grazing: float


@njit(cache=True)
def interpolated(values: Floats, faces: Faces, numbers: NDArray[np.int32], corners: Floats,
                 ) -> Floats:
    """Return vertex values (v, k) at points of faces: `numbers` (n,), weights `corners` (n, 2)."""
    result = np.empty((len(numbers), values.shape[1]), np.float32)
    for row in range(len(numbers)):
        a, b, c = faces[numbers[row], 0], faces[numbers[row], 1], faces[numbers[row], 2]
        second, third = corners[row, 0], corners[row, 1]
        for i in range(values.shape[1]):
            result[row, i] = ((1 - second - third) * values[a, i] + second * values[b, i]
                              + third * values[c, i])
    return result


@njit(cache=True)
def _sunlit_at(shadows: ShadowMap, points: Floats) -> Floats:
    result = np.empty(len(points), np.float32)
    for row in range(len(points)):
        result[row] = sunlit(shadows, points[row, 0], points[row, 1], points[row, 2], 1.4)
    return result


def head_shadow_map(light: Light, vertices: Floats, faces: Faces, coverage: Floats) -> ShadowMap:
    """Return the shadow map of a head around the origin."""
    direction = light.direction
    right = np.cross((0, 0, 1), direction)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(direction, right), direction])
    scale, centre = SHADOW_PX / (2 * SHADOW_REACH_M), np.array([0, .05, -.03])
    heights = np.full((SHADOW_PX, SHADOW_PX), -1e9, np.float32)
    points = (vertices - centre.astype(np.float32)) @ axes.T.astype(np.float32)
    points[:, :2] = points[:, :2] * np.float32(scale) + np.float32(SHADOW_PX / 2)
    rasterise_heights(np.ascontiguousarray(points), faces, coverage, heights)
    return ShadowMap(heights, axes, centre, scale)


def lit(colour: Floats, points: Floats, normals: Floats, eye: NDArray[np.float64], light: Light,
        shadows: ShadowMap, gloss: Gloss, wrap: NDArray | float = WRAP) -> Floats:
    """Return the linear RGB (n, 3) that points send to the camera at `eye` (3,).

    `colour`, `points` and `normals` are (n, 3); normals that look away are turned round. `wrap`
    softens the shade, one value or one per colour.
    """
    towards = (eye - points).astype(np.float32)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    normals = normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9)
    facing = (normals * towards).sum(1)
    normals = np.where(facing[:, None] < 0, -normals, normals)
    facing = np.abs(facing)
    direction = light.direction.astype(np.float32)
    cosine = normals @ direction
    sun = _sunlit_at(shadows, np.ascontiguousarray(points + .004 * normals, np.float32))
    diffuse = np.clip((cosine[:, None] + wrap) / (1 + np.asarray(wrap)), 0, None)
    soft = sun[:, None] ** np.array([.7, 1, 1.1], np.float32)
    up = (.5 + .5 * normals[:, 2])[:, None]
    ambient = light.ground * (1 - up) + light.sky * up
    half = direction + towards
    half /= np.linalg.norm(half, axis=1, keepdims=True) + 1e-9
    highlight = np.clip((normals * half).sum(1), 0, 1) ** gloss.sharpness
    fresnel = .04 + .96 * (1 - facing) ** 5
    shine = gloss.strength * (highlight * sun)[:, None] * light.sun
    shine = shine + (gloss.grazing * fresnel)[:, None] * light.sky
    return (colour * (ambient + light.sun * diffuse * soft) + shine).astype(np.float32)


def strands_lit(colour: Floats, points: Floats, tangents: Floats, eye: NDArray[np.float64],
                light: Light, shadows: ShadowMap, shine: float) -> Floats:
    """Return the linear RGB (n, 3) of hair along `tangents` (n, 3).

    Kajiya and Kay, "Rendering fur with three dimensional textures", SIGGRAPH 1989.
    """
    towards = (eye - points).astype(np.float32)
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    tangents = tangents / (np.linalg.norm(tangents, axis=1, keepdims=True) + 1e-9)
    direction = light.direction.astype(np.float32)
    along, seen = tangents @ direction, (tangents * towards).sum(1)
    across = np.sqrt(np.clip(1 - along ** 2, 0, 1))
    highlight = np.clip(across * np.sqrt(np.clip(1 - seen ** 2, 0, 1)) - along * seen, 0, 1) ** 40
    sun = _sunlit_at(shadows, np.ascontiguousarray(points, np.float32))
    away = np.clip(.35 + .65 * (points - [0, .07, 0]) @ direction / .11, 0, 1)
    ambient = .55 * light.sky + .35 * light.ground
    return (colour * (ambient + light.sun * (across * sun * away)[:, None])
            + shine * (highlight * sun * away)[:, None] * light.sun * (.3 + colour)
            ).astype(np.float32)
