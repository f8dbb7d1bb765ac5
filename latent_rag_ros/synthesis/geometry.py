"""Rotations, vertex normals, smoothing, and the closed shapes that bags and buns are made of."""
from __future__ import annotations

import functools
import math

import numpy as np
import scipy.sparse
from numba import njit
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]
Faces = NDArray[np.int32]


def rotation(axis: ArrayLike, angle_deg: float) -> NDArray[np.float64]:
    """Return the 3 x 3 matrix that turns by `angle_deg` about `axis` (Rodrigues' formula)."""
    x, y, z = np.asarray(axis, np.float64) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = math.radians(angle_deg)
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)


@njit(cache=True, error_model='numpy')
def vertex_normals(vertices: Floats, faces: Faces) -> Floats:
    """Return unit normals (n, 3): the area-weighted mean of the faces around each vertex."""
    normals = np.zeros_like(vertices)
    for f in range(faces.shape[0]):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        vx = vertices[c, 0] - vertices[a, 0]
        vy = vertices[c, 1] - vertices[a, 1]
        vz = vertices[c, 2] - vertices[a, 2]
        nx = uy * vz - uz * vy
        ny = uz * vx - ux * vz
        nz = ux * vy - uy * vx
        for corner in (a, b, c):
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for v in range(vertices.shape[0]):
        length = math.sqrt(normals[v, 0] ** 2 + normals[v, 1] ** 2 + normals[v, 2] ** 2) + 1e-12
        normals[v, 0] /= length
        normals[v, 1] /= length
        normals[v, 2] /= length
    return normals


def neighbour_mean(faces: Faces, vertices: int) -> scipy.sparse.csr_matrix:
    """Return the (vertices, vertices) matrix that averages over the neighbours of each vertex."""
    first = np.concatenate([faces[:, 0], faces[:, 1], faces[:, 2]])
    second = np.concatenate([faces[:, 1], faces[:, 2], faces[:, 0]])
    rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
    adjacency = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)),
                                        (vertices, vertices))
    adjacency.data[:] = 1
    degree = np.asarray(adjacency.sum(1)).ravel()
    return (scipy.sparse.diags(1 / np.maximum(degree, 1)) @ adjacency).tocsr().astype(np.float32)


def smoothed(vertices: Floats, mean: scipy.sparse.csr_matrix, rounds: int) -> Floats:
    """Return vertices moved `rounds` times 60 % of the way to the mean of their neighbours."""
    for _ in range(rounds):
        vertices = vertices + np.float32(0.6) * (mean @ vertices - vertices)
    return np.ascontiguousarray(vertices, np.float32)


@functools.lru_cache(maxsize=4)
def superellipsoid(exponent: float) -> tuple[Floats, Faces]:
    """Return vertices and faces of a closed shape in -1..1: a box near 0, a ball at exponent 1."""
    around, rows = 20, 14
    longitude = np.linspace(-np.pi, np.pi, around, endpoint=False)
    latitude = np.linspace(-np.pi / 2, np.pi / 2, rows)[:, None]

    def power(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.sign(value) * np.abs(value) ** exponent
    vertices = np.stack(np.broadcast_arrays(
        power(np.cos(latitude)) * power(np.cos(longitude)),
        power(np.cos(latitude)) * power(np.sin(longitude)), power(np.sin(latitude))), -1)
    a = np.arange((rows - 1) * around)
    b = a // around * around + (a + 1) % around
    faces = np.concatenate([np.stack([a, b, a + around], 1),
                            np.stack([b, b + around, a + around], 1)])
    return vertices.reshape(-1, 3).astype(np.float32), faces.astype(np.int32)
