"""Light on people: diffuse sun with shadows, sky from above, gloss, fine folds (numba kernel)."""
from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .albedo import albedo
from .geometry import Faces, Floats
from .light import Light, ShadowMap, sunlit
from .noise import noise
from .rasteriser import Buffers
from .view import View

FOLD_WAVES = 15.0
"""Fine folds per metre."""

SHARPNESS = 24
"""Exponent of the Blinn-Phong highlight."""


@njit(cache=True, error_model='numpy')
def _fold(normal: NDArray, x: float, y: float, z: float, strength: float, seed: float) -> None:
    """Tilt the normal (3,) by the slope of a noise that lives on the cloth."""
    reach = 0.3
    x, y, z = x * FOLD_WAVES + seed * 5, y * FOLD_WAVES, z * FOLD_WAVES * 1.6
    here = noise(x, y, z)
    normal[0] -= (noise(x + reach, y, z) - here) * strength
    normal[1] -= (noise(x, y + reach, z) - here) * strength
    normal[2] -= (noise(x, y, z + reach) - here) * strength


@njit(cache=True, error_model='numpy')
def _interpolated(values: Floats, faces: Faces, face: int, second: float, third: float,
                  result: NDArray) -> None:
    """Write the interpolation of vertex values (n, k) at a point of a face into `result` (k,)."""
    a, b, c = faces[face, 0], faces[face, 1], faces[face, 2]
    for i in range(result.shape[0]):
        result[i] = ((1 - second - third) * values[a, i] + second * values[b, i]
                     + third * values[c, i])


@njit(cache=True, error_model='numpy')
def shade_people(buffers: Buffers, vertices: Floats, normals: Floats, canonical: Floats,
                 faces: Faces, face_material: NDArray[np.int32], materials: NDArray, view: View,
                 light: Light, shadows: ShadowMap, picture: Floats) -> None:
    """Write the linear RGB of every pixel that shows a person into `picture` (h, w, 3).

    `vertices` and `normals` (n, 3) are in the world, `canonical` (n, 5) holds canonical x, y, z,
    the backward part of the rest normal and the position along the arm.
    """
    point, normal, rest = np.empty(3), np.empty(3), np.empty(5)
    colour, towards = np.empty(3), np.empty(3)
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            face = buffers.face[row, column]
            if face < 0:
                continue
            second = buffers.barycentric[row, column, 0]
            third = buffers.barycentric[row, column, 1]
            _interpolated(vertices, faces, face, second, third, point)
            _interpolated(normals, faces, face, second, third, normal)
            _interpolated(canonical, faces, face, second, third, rest)
            surface = materials[face_material[face]]
            albedo(surface, rest[0], rest[1], rest[2], rest[4], rest[3], colour)
            if surface.wrinkles > 0:
                _fold(normal, rest[0], rest[1], rest[2], surface.wrinkles * 1.1, surface.seed)
            length, distance, facing = 1e-9, 1e-9, 0.0
            for i in range(3):
                towards[i] = view.position[i] - point[i]
                length += normal[i] * normal[i]
                distance += towards[i] * towards[i]
            length, distance = math.sqrt(length), math.sqrt(distance)
            for i in range(3):
                normal[i] /= length
                towards[i] /= distance
                facing += normal[i] * towards[i]
            if facing < 0:
                for i in range(3):
                    normal[i] = -normal[i]
            lit = sunlit(shadows, point[0] + normal[0] * 0.012, point[1] + normal[1] * 0.012,
                         point[2] + normal[2] * 0.012, 1.0)
            sun, gloss = _sun_and_gloss(normal, towards, light.direction)
            up = 0.5 + 0.5 * normal[2]
            open_sky = min(1.0, 0.62 + 0.42 * point[2])
            for i in range(3):
                ambient = light.ground[i] * (1 - up) + light.sky[i] * up
                picture[row, column, i] = (
                    colour[i] * (ambient * open_sky + light.sun[i] * sun * lit)
                    + surface.shine * gloss * (light.sun[i] * lit + 0.35 * light.sky[i]))


@njit(cache=True, error_model='numpy')
def _sun_and_gloss(normal: NDArray, towards: NDArray, direction: NDArray) -> tuple[float, float]:
    """Return the wrapped Lambert term and the Blinn-Phong highlight."""
    wrap, cosine, half_cosine, half_length = 0.15, 0.0, 0.0, 1e-9
    for i in range(3):
        half = direction[i] + towards[i]
        cosine += normal[i] * direction[i]
        half_cosine += normal[i] * half
        half_length += half * half
    highlight = max(0.0, half_cosine / math.sqrt(half_length)) ** SHARPNESS
    return max(0.0, (cosine + wrap) / (1 + wrap)), highlight
