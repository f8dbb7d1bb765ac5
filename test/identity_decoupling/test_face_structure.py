"""Where the parts of a face are: drawn in their place, and not at all where no face is seen."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from latent_rag_ros.identity_decoupling.face_mesh import (
    CROP_DOWN, CROP_SHARE, MESH_PX, POINTS, FaceMesh)
from latent_rag_ros.identity_decoupling.face_structure import (
    DRAWING_PX, LEVEL, PARTS, STRUCTURE_CHANNELS, pooled_structure, structure_drawings,
    structure_map)

SQUARES = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))


class KnownMesh(nn.Module):
    """Sees given points in every square."""

    def __init__(self, points: np.ndarray, presence: float = 1.0) -> None:
        super().__init__()
        self.points, self.sure = torch.from_numpy(points).float(), presence

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Return them."""
        return (self.points.expand(len(squares), -1, -1),
                torch.full((len(squares),), self.sure))


def rectangle(part: str, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Return points (468, 2) of which one part goes around a rectangle."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    points = np.full((POINTS, 2), 0.9)
    for outline in PARTS[part]:
        for row, point in enumerate(outline):
            # the points that are too many for four equal sides stay in the first corner
            side, rest = divmod(max(0, row - len(outline) % 4) / (len(outline) // 4), 1)
            first, second = corners[int(side)], corners[(int(side) + 1) % 4]
            points[point] = (1 - rest) * first + rest * second
    return points


@pytest.mark.parametrize('part', PARTS)
def test_part_is_filled_where_it_lies_to_a_fraction_of_a_pixel(part: str) -> None:
    points = rectangle(part, 0.25, 0.5, 0.5, 0.8)
    drawing = structure_drawings(KnownMesh(points), SQUARES[:1])[0, :, :, list(PARTS).index(part)]
    levels = drawing.astype(np.float64) / 255
    assert levels.sum() == pytest.approx(0.25 * 0.3 * DRAWING_PX ** 2, rel=0.06)
    rows, columns = np.mgrid[:DRAWING_PX, :DRAWING_PX] + 0.5
    assert (levels * columns).sum() / levels.sum() == pytest.approx(0.375 * DRAWING_PX, abs=0.3)
    assert (levels * rows).sum() / levels.sum() == pytest.approx(0.65 * DRAWING_PX, abs=0.3)


@pytest.mark.parametrize(('value', 'presence'), [(0.5, 0.4), (np.nan, 1.0)])
def test_nothing_is_drawn_where_no_face_is_seen(value: float, presence: float) -> None:
    points = np.random.default_rng(0).uniform(0.2, 0.8, (POINTS, 2))
    assert structure_drawings(KnownMesh(points), SQUARES).any()
    points[7] = value
    assert not structure_drawings(KnownMesh(points, presence), SQUARES).any()


def test_points_far_outside_do_no_harm() -> None:
    points = np.random.default_rng(0).uniform(-1e9, 1e9, (POINTS, 2))
    assert structure_drawings(KnownMesh(points), SQUARES).shape == (2, 48, 48, len(PARTS))


def test_channels_hold_every_place_of_a_drawing_once() -> None:
    drawings = torch.randint(0, 256, (2, DRAWING_PX, DRAWING_PX, len(PARTS)), dtype=torch.uint8)
    found = structure_map(drawings)
    assert found.shape == (2, STRUCTURE_CHANNELS, 16, 16)
    part, row, column = 4, 31, 14
    cell = found[:, 9 * part + 3 * (row % 3) + column % 3, row // 3, column // 3]
    torch.testing.assert_close(cell, LEVEL * drawings[:, row, column, part] / 255)


def test_mesh_answers_in_shares_of_the_square() -> None:
    torch.manual_seed(0)
    mesh = FaceMesh().eval()
    with torch.no_grad():
        mesh.mesh[-1].weight.zero_()
        mesh.mesh[-1].bias.copy_(torch.tensor([MESH_PX / 2, MESH_PX, 5.0]).repeat(POINTS))
        points, presence = mesh(SQUARES)
    assert points.shape == (2, POINTS, 2) and presence.shape == (2,)
    bottom = 0.5 + CROP_DOWN + CROP_SHARE / 2
    torch.testing.assert_close(points, torch.tensor([0.5, bottom]).expand_as(points))
    assert (0 <= presence).all() and (presence <= 1).all()


def test_mesh_sees_the_middle_of_the_square_upright() -> None:
    torch.manual_seed(0)
    mesh, seen = FaceMesh().eval(), []
    mesh.stem.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    rows = torch.linspace(0, 1, 96).view(1, 1, 96, 1).expand(1, 3, 96, 96)
    with torch.no_grad():
        mesh(rows)
    top, bottom = seen[0][0, 0, 0, 100], seen[0][0, 0, MESH_PX - 1, 100]
    assert float(top) == pytest.approx(0.5 + CROP_DOWN - CROP_SHARE / 2, abs=0.02)
    assert float(bottom) == pytest.approx(0.5 + CROP_DOWN + CROP_SHARE / 2, abs=0.02)


def test_short_vector_of_structure_says_which_part_lies_in_which_quarter() -> None:
    drawings = torch.zeros(1, DRAWING_PX, DRAWING_PX, len(PARTS), dtype=torch.uint8)
    drawings[0, 30:, :10, 4] = 255
    found = pooled_structure(structure_map(drawings)).view(len(PARTS), 2, 2)
    expected = torch.zeros(len(PARTS), 2, 2)
    expected[4, 1, 0] = 18 * 10 / 24 ** 2
    torch.testing.assert_close(found, expected)
