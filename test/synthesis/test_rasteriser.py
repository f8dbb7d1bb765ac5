"""Rasteriser: known triangles at known pixels."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.synthesis.rasteriser import empty_buffers, rasterise, rasterise_heights

SQUARE = np.float32([[0, 0, 1], [10, 0, 1], [10, 10, 1], [0, 10, 1]])
TWO = np.int32([[0, 1, 2], [0, 2, 3]])


def test_square_covers_each_of_its_pixels_once() -> None:
    buffers = empty_buffers(12, 12)
    rasterise(SQUARE, TWO, np.ones(4, np.float32), buffers)
    seen = buffers.face >= 0
    assert seen.sum() == 100 and seen[:10, :10].all()


def test_nearest_face_is_seen_when_two_overlap() -> None:
    near = SQUARE.copy()
    near[:, 2] = 2
    points, faces = np.concatenate([near, SQUARE]), np.concatenate([TWO, TWO + 4])
    for order in (faces, faces[::-1].copy()):
        buffers = empty_buffers(12, 12)
        rasterise(points, order, np.ones(8, np.float32), buffers)
        assert (buffers.inverse_depth[:10, :10] == 2).all()


def test_garment_ends_where_its_coverage_does() -> None:
    buffers = empty_buffers(12, 12)
    rasterise(SQUARE, TWO, np.float32([5, 5, -5, -5]), buffers)  # zero at half the height
    seen = buffers.face >= 0
    assert seen[:5, :10].all() and not seen[5:].any()


def test_faces_behind_the_camera_are_not_drawn() -> None:
    behind = SQUARE.copy()
    behind[1, 2] = -1
    buffers = empty_buffers(12, 12)
    rasterise(behind, TWO[:1], np.ones(4, np.float32), buffers)
    assert (buffers.face < 0).all()


def test_heights_keep_the_largest_value() -> None:
    heights = np.full((12, 12), -1e9, np.float32)
    low, high = SQUARE.copy(), SQUARE.copy()
    low[:, 2], high[:, 2] = 3, 7
    for points in (high, low):
        rasterise_heights(points, TWO, np.ones(4, np.float32), heights)
    assert (heights[:10, :10] == 7).all()
