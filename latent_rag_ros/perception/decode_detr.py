"""Reads the outputs of detection transformers: RT-DETR, D-FINE, RF-DETR.

Boxes (1, n, 4) and beside them one of

    logits (1, n, classes)                boxes are centre and size as shares of the input;
                                          RF-DETR (`dets`, `labels`), exports of transformers
    scores (1, n) and labels (1, n)       boxes are left, top, right, bottom in pixels of the
                                          input `orig_target_sizes`; RT-DETR and D-FINE
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.detector_format import (
    DetectorFormat, Found, LayoutError, Outputs, Query, corners, shapes_of)

BOX_NAMES = ('boxes', 'dets', 'pred_boxes')


def _parts(outputs: Outputs) -> tuple[NDArray, NDArray, NDArray | None] | None:
    """Return boxes (n, 4), and logits (n, classes) and None, or scores (n,) and labels (n,)."""
    arrays = {name: value[0] for name, value in outputs.items() if value.shape[:1] == (1,)}
    boxes = [name for name, value in arrays.items() if value.ndim == 2 and value.shape[1] == 4]
    boxes = [name for name in boxes if name in BOX_NAMES] or boxes
    if len(boxes) != 1:
        return None
    rest = {name: value for name, value in arrays.items()
            if name != boxes[0] and len(value) == len(arrays[boxes[0]])}
    logits = [value for value in rest.values() if value.ndim == 2]
    if len(logits) == 1:
        return arrays[boxes[0]], logits[0], None
    flat = [value for value in rest.values() if value.ndim == 1]
    scores = [value for value in flat if np.issubdtype(value.dtype, np.floating)]
    labels = [value for value in flat if np.issubdtype(value.dtype, np.integer)]
    if len(scores) != 1 or len(labels) != 1:
        return None
    return arrays[boxes[0]], scores[0], labels[0]


def fits(outputs: Outputs, height_px: int, width_px: int) -> bool:
    """Return whether the outputs are boxes with logits, or boxes with scores and labels."""
    return _parts(outputs) is not None


def decode(outputs: Outputs, query: Query) -> Found:
    """Return the persons; raises `LayoutError` when the arrays have other shapes."""
    parts = _parts(outputs)
    if parts is None:
        raise LayoutError(
            f'the outputs are {shapes_of(outputs)}; expected boxes (1, n, 4) with logits (1, n, '
            'classes), or with scores (1, n) and integer labels (1, n)')
    boxes, values, labels = (None if part is None else part.astype(np.float64)
                             for part in parts)
    if labels is not None:
        kept = (values >= query.score_min) & (labels.round() == max(query.person_class, 0))
        return Found(boxes[kept], values[kept])
    logits = values[:, query.person_of(values.shape[1])]
    scores = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
    kept = scores >= query.score_min
    size = np.tile([query.width_px, query.height_px], 2)
    return Found(corners(boxes[kept]) * size, scores[kept])


FORMAT = DetectorFormat('stretch', 'unit', 'rgb', fits, decode)
