"""Reads the arrays that exports of the ultralytics families give; only the layout is known here.

One array, told by its shape (cells: those of the grids of stride 8, 16 and 32):

    (1, 4 + classes, cells)     v8 and later: centre, size [px], class scores
    (1, 3 cells, 5 + classes)   v5: centre, size [px], object score, class scores
    (1, n, 6)                   end to end: left, top, right, bottom [px], score, class
    (1, n, 4 + classes)         its RT-DETR: centre, size as shares of the input, class scores
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.detector_format import (
    DetectorFormat, Found, LayoutError, Outputs, Query, cell_count, corners, only_output,
    shapes_of)

STRIDES_PX = (8, 16, 32)
ROWS_MAX = 1000
"""More rows than this are no list of persons but a grid of some other size."""


def layout(outputs: Outputs, height_px: int, width_px: int) -> str:
    """Return `columns`, `anchors`, `ended` or `shares`, see above; empty for none."""
    # segmentation and pose exports give masks or key points in more arrays, after the boxes
    shapes = [value.shape for value in outputs.values() if value.ndim == 3]
    if len(shapes) != 1 or shapes[0][0] != 1:
        return ''
    cells = cell_count(height_px, width_px, STRIDES_PX)
    _, first, second = shapes[0]
    if second == cells and first >= 5:
        return 'columns'
    if first == 3 * cells and second >= 6:
        return 'anchors'
    if first <= ROWS_MAX and second == 6:
        return 'ended'
    return 'shares' if first <= ROWS_MAX and 5 <= second <= ROWS_MAX else ''


def fits(outputs: Outputs, height_px: int, width_px: int) -> bool:
    """Return whether the output has one of the four layouts."""
    return bool(layout(outputs, height_px, width_px))


def decode(outputs: Outputs, query: Query) -> Found:
    """Return the persons; raises `LayoutError` when the array has none of the four layouts."""
    cells = cell_count(query.height_px, query.width_px, STRIDES_PX)
    expected = (f'one of shape (1, 4 + classes, {cells}), (1, {3 * cells}, 5 + classes), (1, n, '
                '6) or (1, n, 4 + classes)')
    kind = layout(outputs, query.height_px, query.width_px)
    if not kind:
        raise LayoutError(f'the outputs are {shapes_of(outputs)}; expected {expected}')
    rows = only_output(outputs, expected)
    if kind == 'ended':
        return _ended(rows, query)
    if kind == 'anchors':
        scores = rows[:, 4] * rows[:, 5 + query.person_of(rows.shape[1] - 5)]
    else:
        rows = rows.T if kind == 'columns' else rows
        scores = rows[:, 4 + query.person_of(rows.shape[1] - 4)]
    kept = scores >= query.score_min
    boxes = corners(rows[kept, :4])
    if kind == 'shares':
        boxes = boxes * np.tile([query.width_px, query.height_px], 2)
    return Found(boxes, scores[kept])


def _ended(rows: NDArray[np.float64], query: Query) -> Found:
    person = max(query.person_class, 0)
    kept = (rows[:, 4] >= query.score_min) & (rows[:, 5].round() == person)
    return Found(rows[kept, :4], rows[kept, 4])


FORMAT = DetectorFormat('centre', 'unit', 'rgb', fits, decode)
