"""Where the parts of a face are: the part of its attributes that is known, and stays sharp.

The attribute map has to be noised until nobody is recognised by it, and noise hides where a mouth
is as well as whose it is. So the outlines of oval, brows, eyes, nose, lips and open mouth are
drawn from a mesh of the face and given to the generator beside the map: they carry pose and
expression, and of the person no more than proportions.
"""
from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.identity_decoupling.face_mesh import FaceMesh
from latent_rag_ros.identity_decoupling.face_size import MAP_SIDE

PARTS = {
    'oval': ((10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400,
              377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67,
              109),),
    'brows': ((46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
              (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)),
    'eyes': ((33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
             (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)),
    'nose': ((168, 98, 97, 2, 326, 327),),
    'lips': ((61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40,
              185),),
    'mouth': ((78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81,
               80, 191),)}
"""Outlines by part: points of the mesh, around each polygon."""

CELL_PX = 3
"""Places of a drawing by side of a cell of the attribute map."""

DRAWING_PX = CELL_PX * MAP_SIDE
STRUCTURE_CHANNELS = len(PARTS) * CELL_PX ** 2
LEVEL = 5.0
"""What a filled place counts in the channels: parts are small, and have to be heard beside an
attribute map whose standard deviation is 1."""

PRESENCE_MIN = 0.5
"""Where the mesh is less sure of a face, nothing is drawn: heads that are turned away."""

FINER, FRACTION_BITS = 4, 4
"""Polygons are filled at four times the size and averaged, their corners to a 16th of a pixel."""


@torch.no_grad()
def structure_drawings(mesh: FaceMesh, squares: Tensor) -> NDArray[np.uint8]:
    """Return the parts of faces, filled, shape (n, 48, 48, 6), 0..255; 0 where no face is seen.

    Parameters
    ----------
    mesh : FaceMesh
    squares : Tensor
        Shape (n, 3, 96, 96), RGB in 0..1.
    """
    points, presence = (values.cpu().numpy() for values in mesh(squares))
    empty = np.zeros((DRAWING_PX, DRAWING_PX, len(PARTS)), np.uint8)
    return np.stack([_drawing(shape) if sure >= PRESENCE_MIN and np.isfinite(shape).all()
                     else empty for shape, sure in zip(points, presence)])


def structure_map(drawings: Tensor) -> Tensor:
    """Return drawings (n, 48, 48, 6), uint8, as channels (n, 54, 16, 16) in 0..5."""
    return functional.pixel_unshuffle(drawings.permute(0, 3, 1, 2) * (LEVEL / 255), CELL_PX)


def pooled_structure(structure: Tensor) -> Tensor:
    """Return structures (n, 54, 16, 16) as short vectors (n, 24): shares of parts by quarter."""
    parts = structure.unflatten(1, (len(PARTS), -1)).mean(2) / LEVEL
    return functional.adaptive_avg_pool2d(parts, 2).flatten(1)


def _drawing(points: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the parts (48, 48, 6) of one face from its points (468, 2), shares of the side."""
    side_px = FINER * DRAWING_PX
    # far outside it is all the same, and OpenCV counts in 32 bits
    corners = np.clip((points * side_px - 0.5) * 2 ** FRACTION_BITS, -2 ** 24, 2 ** 24)
    parts = []
    for outlines in PARTS.values():
        filled = np.zeros((side_px, side_px), np.uint8)
        for outline in outlines:
            cv2.fillPoly(filled, [np.round(corners[list(outline)]).astype(np.int32)], 255,
                         cv2.LINE_8, FRACTION_BITS)
        parts.append(cv2.resize(filled, (DRAWING_PX, DRAWING_PX), interpolation=cv2.INTER_AREA))
    return np.stack(parts, 2)
