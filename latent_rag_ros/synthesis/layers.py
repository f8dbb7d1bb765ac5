"""Surfaces that make a person: body, garments, hair and bags, and how they are put together."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .body_model import Part
from .geometry import Faces, Floats, vertex_normals
from .materials import MATERIAL, Material


@dataclass(frozen=True)
class Layer:
    """One surface on the rest pose.

    Parameters
    ----------
    vertices : NDArray
        Shape (n, 3), metres.
    faces : NDArray
        Shape (m, 3), int32.
    bones, weights : NDArray
        Shape (n, 4): skinning.
    canonical : NDArray
        Shape (n, 4): canonical x, y, z and the backward part of the rest normal.
    arm : NDArray
        Shape (n,): position along the arm, -0.3 off the arms.
    coverage : NDArray
        Shape (n,): the surface exists where its interpolation is not negative.
    material : Material
        Its look; layers may share one.
    """

    vertices: Floats
    faces: Faces
    bones: NDArray[np.int32]
    weights: Floats
    canonical: Floats
    arm: Floats
    coverage: Floats
    material: Material

    def used(self) -> Layer:
        """Return the layer without the faces that are covered nowhere."""
        faces = self.faces[(self.coverage[self.faces] >= 0).any(1)]
        kept, faces = np.unique(faces.ravel(), return_inverse=True)
        return replace(self, vertices=self.vertices[kept], bones=self.bones[kept],
                       faces=faces.reshape(-1, 3).astype(np.int32), weights=self.weights[kept],
                       canonical=self.canonical[kept], arm=self.arm[kept],
                       coverage=self.coverage[kept])


@dataclass(frozen=True)
class Surface:
    """All layers of a person as one mesh; `face_material` (m,) are rows of `materials` (k,)."""

    vertices: Floats
    faces: Faces
    bones: NDArray[np.int32]
    weights: Floats
    canonical: Floats
    arm: Floats
    coverage: Floats
    face_material: NDArray[np.int32]
    materials: NDArray[np.void]


def part_layer(part: Part, vertices: Floats, coverage: Floats, material: Material,
               sleeves: bool = False) -> Layer:
    """Return a layer with the topology of a body part; only `sleeves` know where the arm is."""
    normals = vertex_normals(part.canonical, part.faces)
    canonical = np.concatenate([part.canonical, normals[:, 1:2]], 1)
    arm = part.arm if sleeves else np.full(len(vertices), -0.3, np.float32)
    return Layer(np.ascontiguousarray(vertices, np.float32), part.faces, part.bones, part.weights,
                 canonical, arm, np.asarray(coverage, np.float32), material)


def rigid_layer(shape: tuple[Floats, Faces], centre: Floats, size_m: tuple[float, float, float],
                bone: int, material: Material,
                turned: NDArray[np.float64] | None = None) -> Layer:
    """Return a closed shape of half extents `size_m` that moves with one bone."""
    unit, faces = shape
    scaled = unit * np.asarray(size_m, np.float32)
    placed = scaled if turned is None else scaled @ turned.T.astype(np.float32)
    bones = np.zeros((len(unit), 4), np.int32)
    bones[:, 0] = bone
    weights = np.zeros((len(unit), 4), np.float32)
    weights[:, 0] = 1
    return Layer((placed + np.asarray(centre)).astype(np.float32), faces, bones, weights,
                 np.concatenate([scaled, unit[:, 1:2]], 1).astype(np.float32),
                 np.full(len(unit), -0.3, np.float32), np.ones(len(unit), np.float32), material)


def joined(layers: list[Layer]) -> Surface:
    """Return all layers as one mesh, without what is covered nowhere."""
    parts = [layer.used() for layer in layers]
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    rows = np.concatenate([np.full(len(part.faces), row) for row, part in enumerate(parts)])
    materials = np.zeros(len(parts), MATERIAL)
    for row, part in enumerate(parts):
        materials[row] = part.material

    def column(name: str) -> NDArray:
        return np.ascontiguousarray(np.concatenate([getattr(part, name) for part in parts]))
    faces = np.concatenate([part.faces + start for part, start in zip(parts, starts)])
    return Surface(column('vertices'), faces.astype(np.int32), column('bones'), column('weights'),
                   column('canonical'), column('arm'), column('coverage'), rows.astype(np.int32),
                   materials)
