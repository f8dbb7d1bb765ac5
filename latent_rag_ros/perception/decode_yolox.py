"""Reads the output of YOLOX (Ge et al., 2021): one array (1, cells, 5 + classes).

As its ONNX export writes it, without `decode_in_inference`: per cell of the grids of stride 8, 16
and 32 the offset of the centre in cells, the logarithm of the size in cells, the score that there
is an object, and one score per class. A person's score is the product of both.
"""
from __future__ import annotations

import numpy as np

from latent_rag_ros.perception.detector_format import (
    DetectorFormat, Found, LayoutError, Outputs, Query, cell_count, corners, grid, only_output,
    shapes_of)

STRIDES_PX = (8, 16, 32)


def fits(outputs: Outputs, height_px: int, width_px: int) -> bool:
    """Return whether there is one output with a row of at least six numbers per cell."""
    shapes = [value.shape for value in outputs.values()]
    cells = cell_count(height_px, width_px, STRIDES_PX)
    return len(shapes) == 1 and len(shapes[0]) == 3 and (
        shapes[0][1] == cells and shapes[0][2] >= 6)


def decode(outputs: Outputs, query: Query) -> Found:
    """Return the persons; raises `LayoutError` when the array has another shape."""
    cells = cell_count(query.height_px, query.width_px, STRIDES_PX)
    expected = f'one of shape (1, {cells}, 5 + classes), as YOLOX gives it'
    rows = only_output(outputs, expected)
    if not fits(outputs, query.height_px, query.width_px):
        raise LayoutError(f'the outputs are {shapes_of(outputs)}; expected {expected}')
    scores = rows[:, 4] * rows[:, 5 + query.person_of(rows.shape[1] - 5)]
    kept = scores >= query.score_min
    places, strides = (part[kept] for part in grid(query.height_px, query.width_px, STRIDES_PX))
    with np.errstate(over='ignore'):  # an infinite box is refused by the detector
        centred = np.hstack([rows[kept, :2] + places, np.exp(rows[kept, 2:4])]) * strides
    return Found(corners(centred), scores[kept])


FORMAT = DetectorFormat('corner', 'byte', 'bgr', fits, decode)
