"""Landmarks of a head: vertices of the model, the same points on every face."""
from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from .geometry import Floats
from .head_model import head_model

PLACES_M = {
    'right outer eye': (-.0435, -.001), 'right inner eye': (-.0165, -.004),
    'left inner eye': (.0165, -.004), 'left outer eye': (.0435, -.001),
    'nose tip': (0, -.040), 'right mouth corner': (-.0235, -.068),
    'left mouth corner': (.0235, -.068), 'right outer brow': (-.046, .016),
    'right inner brow': (-.013, .019), 'left inner brow': (.013, .019),
    'left outer brow': (.046, .016), 'upper lip': (0, -.0605), 'lower lip': (0, -.0765),
    'chin': (0, -.110), 'right jaw': (-.045, -.092), 'left jaw': (.045, -.092)}
"""x and z on the average head; the nearest vertex of the front is taken."""

RECOGNITION = ('right eye', 'left eye', 'nose tip', 'right mouth corner', 'left mouth corner')
"""What face recognition aligns by; an eye is the middle of its corners. Right and left are the
person's; the right one is on the left of a picture."""

LANDMARK_NAMES = (*RECOGNITION, *(name for name in PLACES_M if name not in RECOGNITION))
FRONT_M = .06


@functools.lru_cache(maxsize=1)
def landmark_vertices() -> dict[str, int]:
    """Return the vertex of the head model for every name of `PLACES_M`."""
    model = head_model()
    skin = model.parts['skin'].vertices
    front = skin[model.mean[skin, 1] < FRONT_M]
    # depth counts a little: the lips' inner side lies behind their outer one
    points = model.mean[front] * np.array([1, .3, 1])
    nearest = {}
    for name, (x, z) in PLACES_M.items():
        ahead = points[np.hypot(points[:, 0] - x, points[:, 2] - z) < .008, 1].min()
        nearest[name] = int(front[np.linalg.norm(points - [x, ahead, z], axis=1).argmin()])
    return nearest


def landmark_points(points: Floats) -> NDArray[np.float32]:
    """Return the landmarks (k, 3) of a head's vertices (v, 3), ordered as `LANDMARK_NAMES`."""
    found = {name: points[vertex] for name, vertex in landmark_vertices().items()}
    for side in ('right', 'left'):
        found[f'{side} eye'] = (found[f'{side} outer eye'] + found[f'{side} inner eye']) / 2
    return np.stack([found[name] for name in LANDMARK_NAMES]).astype(np.float32)
