"""Rotations, normals and smoothing on shapes whose answers are known."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.synthesis.geometry import (
    neighbour_mean, rotation, smoothed, superellipsoid, vertex_normals)


def test_rotation_turns_by_the_right_hand_rule() -> None:
    np.testing.assert_allclose(rotation((0, 0, 2), 90) @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_normals_of_a_ball_point_outwards() -> None:
    vertices, faces = superellipsoid(1.0)
    normals = vertex_normals(vertices, faces)
    outwards = (normals * vertices).sum(1)
    assert np.abs(outwards[np.abs(vertices[:, 2]) < 0.9]).min() > 0.95


def test_superellipsoid_is_a_box_when_the_exponent_is_small() -> None:
    ball, _ = superellipsoid(1.0)
    box, _ = superellipsoid(0.1)
    assert np.linalg.norm(ball, axis=1).max() < 1.01
    assert np.linalg.norm(box, axis=1).max() > 1.5
    assert np.abs(box).max() <= 1


def test_smoothing_moves_a_spike_towards_its_neighbours() -> None:
    vertices, faces = superellipsoid(1.0)
    spiked = vertices.copy()
    spiked[150] *= 2
    mean = neighbour_mean(faces, len(vertices))
    after = smoothed(spiked, mean, 3)
    assert np.linalg.norm(after[150]) < 1.4 < np.linalg.norm(spiked[150])
