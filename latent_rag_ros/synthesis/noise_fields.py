"""Noise at many points at once, for the painting of faces."""
from __future__ import annotations

import numpy as np
from numba import njit

from .geometry import Floats
from .noise import fractal_noise, noise


@njit(cache=True)
def noise_at(points: Floats, octaves: int) -> Floats:
    """Return smooth noise (n,) in 0..1 at points (n, 3), one bump per unit.

    More than one octave adds finer noises; the mean stays near one half.
    """
    result = np.empty(len(points), np.float32)
    for row in range(len(points)):
        x, y, z = points[row, 0], points[row, 1], points[row, 2]
        if octaves == 1:
            result[row] = noise(x, y, z)
        else:
            result[row] = fractal_noise(x, y, z, octaves) / (1 - 0.5 ** octaves)
    return result
