"""Value noise on a lattice, for surfaces that look alike but never equal (numba kernels)."""
from __future__ import annotations

import math

from numba import njit


@njit(cache=True, inline='always')
def fraction(value: float) -> float:
    """Return the part of a number behind the point, in 0..1."""
    return value - math.floor(value)


@njit(cache=True)
def lattice(i: int, j: int, k: int) -> float:
    """Return a random number in 0..1 for each point of the integer lattice (a 32-bit hash)."""
    n = (i * 374761393 + j * 668265263 + k * 2147483647) & 0xffffffff
    n = ((n ^ (n >> 13)) * 1274126177) & 0xffffffff
    n = n ^ (n >> 16)
    return (n & 0xffffff) / 16777216.0


@njit(cache=True)
def noise(x: float, y: float, z: float) -> float:
    """Return smooth noise in 0..1 with one bump per unit: lattice values, cubic weights."""
    floor_x, floor_y, floor_z = math.floor(x), math.floor(y), math.floor(z)
    i, j, k = int(floor_x), int(floor_y), int(floor_z)
    x -= floor_x
    y -= floor_y
    z -= floor_z
    x = x * x * (3 - 2 * x)
    y = y * y * (3 - 2 * y)
    z = z * z * (3 - 2 * z)
    a = lattice(i, j, k) * (1 - x) + lattice(i + 1, j, k) * x
    b = lattice(i, j + 1, k) * (1 - x) + lattice(i + 1, j + 1, k) * x
    c = lattice(i, j, k + 1) * (1 - x) + lattice(i + 1, j, k + 1) * x
    d = lattice(i, j + 1, k + 1) * (1 - x) + lattice(i + 1, j + 1, k + 1) * x
    return (a * (1 - y) + b * y) * (1 - z) + (c * (1 - y) + d * y) * z


@njit(cache=True)
def fractal_noise(x: float, y: float, z: float, octaves: int) -> float:
    """Return the sum of `octaves` noises, each twice as fine and half as strong, in 0..1."""
    total = 0.0
    strength = 0.5
    for _ in range(octaves):
        total += strength * noise(x, y, z)
        x *= 2.03
        y *= 2.03
        z *= 2.03
        strength *= 0.5
    return total
