"""Reads the output of NanoDet and NanoDet-Plus: one array (1, cells, classes + 4 (bins)).

As their ONNX export writes it: per cell the class scores, then for left, top, right and bottom the
logits of a distribution over the distances 0..r strides, whose mean is the distance. NanoDet has
grids of stride 8, 16 and 32 and measures from the middle of a cell, NanoDet-Plus one more of
stride 64 and measures from the top left corner. r is 7, or 10 in NanoDet-g.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.detector_format import (
    DetectorFormat, Found, LayoutError, Outputs, Query, cell_count, grid, only_output, shapes_of)

STRIDES_PX = {0.5: (8, 16, 32), 0.0: (8, 16, 32, 64)}
"""Grids of NanoDet and of NanoDet-Plus, by where in a cell distances are measured from."""

SIDE_NUMBERS = (32, 44)
"""Numbers for the four sides: 4 (7 + 1) or 4 (10 + 1)."""

USUAL_CLASSES = (80, 1)


def fits(outputs: Outputs, height_px: int, width_px: int) -> bool:
    """Return whether there is one output with a row per cell that NanoDet could have made."""
    shapes = [value.shape for value in outputs.values()]
    if len(shapes) != 1 or len(shapes[0]) != 3:
        return False
    cells = {offset: cell_count(height_px, width_px, strides)
             for offset, strides in STRIDES_PX.items()}
    usual = shapes[0][2] in [classes + sides for classes in USUAL_CLASSES
                             for sides in SIDE_NUMBERS]
    return shapes[0][1] == cells[0.0] or shapes[0][1] == cells[0.5] and usual


def decode(outputs: Outputs, query: Query) -> Found:
    """Return the persons; raises `LayoutError` when the array has another shape."""
    size = query.height_px, query.width_px
    cells = {cell_count(*size, strides): offset for offset, strides in STRIDES_PX.items()}
    expected = (f'one of shape (1, {" or ".join(map(str, cells))}, classes + 32 or 44), as '
                'NanoDet gives it')
    rows = only_output(outputs, expected)
    if len(rows) not in cells or rows.shape[1] <= SIDE_NUMBERS[0]:
        raise LayoutError(f'the outputs are {shapes_of(outputs)}; expected {expected}')
    offset = cells[len(rows)]
    usual = [numbers for numbers in SIDE_NUMBERS if rows.shape[1] - numbers in USUAL_CLASSES]
    classes = rows.shape[1] - (usual or SIDE_NUMBERS)[0]
    scores = rows[:, query.person_of(classes)]
    kept = scores >= query.score_min
    places, strides = (part[kept] for part in grid(*size, STRIDES_PX[offset]))
    centres = (places + offset) * strides
    distances = _distances(rows[kept, classes:]) * strides
    return Found(np.hstack([centres - distances[:, :2], centres + distances[:, 2:]]),
                 scores[kept])


def _distances(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean distances (m, 4) in strides of distributions given as logits (m, 4 bins)."""
    logits = logits.reshape(len(logits), 4, logits.shape[1] // 4)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    return weights @ np.arange(logits.shape[2]) / weights.sum(axis=2)


FORMAT = DetectorFormat('stretch', 'imagenet', 'bgr', fits, decode)
