"""From a rest shape and bone rotations to posed vertices (linear blend skinning)."""
from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .geometry import Floats


@njit(cache=True)
def bone_transforms(parents: NDArray[np.int32], heads: Floats, local: NDArray[np.float64],
                    ) -> tuple[Floats, Floats]:
    """Return rotations (b, 3, 3) and translations (b, 3) that move rest points to the pose.

    `local` (b, 3, 3) turns each bone about its head (b, 3), in the axes of the rest pose.
    """
    bones = len(parents)
    turned = np.zeros((bones, 3, 3))
    shifted = np.zeros((bones, 3), np.float32)
    position = np.zeros((bones, 3))
    for bone in range(bones):
        parent = parents[bone]
        for i in range(3):
            if parent < 0 or parent == bone:
                turned[bone, i] = local[bone, i]
                position[bone, i] = heads[bone, i]
            else:
                position[bone, i] = position[parent, i]
                for j in range(3):
                    position[bone, i] += turned[parent, i, j] * (heads[bone, j] - heads[parent, j])
                    for k in range(3):
                        turned[bone, i, k] += turned[parent, i, j] * local[bone, j, k]
        for i in range(3):
            moved = position[bone, i]
            for j in range(3):
                moved -= turned[bone, i, j] * heads[bone, j]
            shifted[bone, i] = moved
    return turned.astype(np.float32), shifted


@njit(cache=True)
def skinned(vertices: Floats, bones: NDArray[np.int32], weights: Floats, rotations: Floats,
            translations: Floats) -> Floats:
    """Return posed vertices (n, 3): each moved by the weighted mean of its bones' transforms."""
    result = np.zeros_like(vertices)
    for v in range(vertices.shape[0]):
        for k in range(bones.shape[1]):
            weight = weights[v, k]
            if weight < 1e-4:
                continue
            bone = bones[v, k]
            for i in range(3):
                result[v, i] += weight * (
                    rotations[bone, i, 0] * vertices[v, 0] + rotations[bone, i, 1] * vertices[v, 1]
                    + rotations[bone, i, 2] * vertices[v, 2] + translations[bone, i])
    return result
