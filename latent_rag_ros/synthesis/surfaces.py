"""Procedural grounds and walls: asphalt, tiles, brick, grass, facades, shelves (numba kernel)."""
from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .noise import fractal_noise, fraction, lattice, noise

(ASPHALT, TILES, BRICK, GRASS, FACADE, PLASTER, SHELVES, PANELS, FOLIAGE, FLOOR) = range(10)


@njit(cache=True)
def surface_colour(kind: int, u: float, v: float, seed: float, first: NDArray, second: NDArray,
                   colour: NDArray) -> None:
    """Write the linear RGB (3,) at metres `u`, `v` of a surface of two colours (3,)."""
    share = 0.0
    if kind == ASPHALT:
        share = 0.7 * fractal_noise(u * 2 + seed, v * 2, seed, 3)
        share += 0.3 * noise(u * 40, v * 40, 0.5)
    elif kind == TILES:
        share = (0.4 * lattice(int(math.floor(u * 1.6)), int(math.floor(v * 1.6)), int(seed))
                 + 0.3 * fractal_noise(u * 9, v * 9, seed, 2))
        if fraction(u * 1.6) < 0.035 or fraction(v * 1.6) < 0.035:
            share = 1.0
    elif kind == BRICK:
        row = math.floor(v * 9.0)
        along = u * 4.2 + 0.5 * (int(row) & 1)
        share = (0.5 * lattice(int(math.floor(along)), int(row), int(seed))
                 + 0.2 * noise(u * 12, v * 12, seed))
        if fraction(along) < 0.05 or fraction(v * 9.0) < 0.12:
            share = 1.0
    elif kind == GRASS:
        share = 0.6 * fractal_noise(u * 3 + seed, v * 3, seed, 2)
        share += 0.5 * noise(u * 30, v * 30, 0.5)
    elif kind == FACADE:
        share = 0.15 * fractal_noise(u * 4, v * 4, seed, 2)
        pane_u, pane_v = fraction(u * 0.55 + seed), fraction(v * 0.36)
        if 0.22 < pane_u < 0.75 and 0.3 < pane_v < 0.82:
            share = 0.7 + 0.3 * noise(math.floor(u * 0.55 + seed) * 3.3,
                                      math.floor(v * 0.36) * 7.7, seed)
    elif kind == PLASTER:
        share = 0.35 * fractal_noise(u * 1.3 + seed, v * 1.3, seed, 3)
    elif kind == SHELVES:
        share = lattice(int(math.floor(u * 7)), int(math.floor(v * 1.7)), int(seed))
        if fraction(v * 1.7) < 0.1:
            share = 1.0
    elif kind == PANELS:
        share = 0.12 * fractal_noise(u * 2, v * 2, seed, 2)
        if fraction(u * 0.8 + seed) < 0.04:
            share = 0.9
    elif kind == FOLIAGE:
        share = 1.1 * fractal_noise(u * 6 + seed, v * 6, seed, 3)
    elif kind == FLOOR:
        share = 0.25 * fractal_noise(u * 0.8 + seed, v * 0.8, seed, 2)
        if fraction(u * 0.9) < 0.012 or fraction(v * 0.9) < 0.012:
            share = 0.8
    for i in range(3):
        colour[i] = first[i] * (1 - share) + second[i] * share


GROUNDS = {
    'asphalt': (ASPHALT, (.10, .10, .105), (.30, .295, .29)),
    'pale asphalt': (ASPHALT, (.30, .30, .30), (.50, .50, .495)),
    'sand': (ASPHALT, (.28, .255, .22), (.46, .42, .37)),
    'paving': (TILES, (.42, .41, .39), (.24, .235, .225)),
    'brown paving': (TILES, (.30, .265, .24), (.18, .175, .17)),
    'grass': (GRASS, (.04, .075, .02), (.17, .24, .08)),
    'wood': (FLOOR, (.36, .29, .22), (.18, .15, .12)),
    'pale floor': (FLOOR, (.50, .49, .47), (.30, .29, .28)),
    'grey floor': (FLOOR, (.20, .20, .20), (.38, .38, .38))}
"""Kinds and two linear colours of grounds."""

OUTDOOR_GROUNDS = ('asphalt', 'pale asphalt', 'paving', 'brown paving', 'grass', 'sand')
INDOOR_GROUNDS = ('wood', 'pale floor', 'grey floor', 'paving')


def ground_arrays(name: str, rng: np.random.Generator) -> tuple[int, NDArray, NDArray]:
    """Return kind and the two colours (3,) of a ground, varied a little."""
    kind, first, second = GROUNDS[name]
    varied = rng.uniform(0.75, 1.25) * rng.uniform(0.95, 1.05, 3)
    return kind, np.array(first) * varied, np.array(second) * varied
