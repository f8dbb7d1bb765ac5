"""How much boxes overlap."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def areas(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the areas (n,) of boxes (n, 4) given as left, top, right, bottom."""
    return np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=1)


def heights(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the heights (n,) of boxes (n, 4), 1 at least."""
    return np.maximum(boxes[:, 3] - boxes[:, 1], 1.0)


def intersections(first: NDArray[np.floating],
                  second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the areas (n, m) that boxes (n, 4) and (m, 4) have in common, pair by pair."""
    left_top = np.maximum(first[:, None, :2], second[None, :, :2])        # (n, m, 2)
    right_bottom = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return np.prod(np.maximum(right_bottom - left_top, 0.0), axis=2)


def intersection_over_union(first: NDArray[np.floating],
                            second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the intersection over union (n, m), 0..1, of boxes (n, 4) and (m, 4)."""
    common = intersections(first, second)
    union = areas(first)[:, None] + areas(second)[None, :] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def buffered(boxes: NDArray[np.floating], buffer: float) -> NDArray[np.float64]:
    """Return boxes (n, 4) grown on every side by `buffer` times their own height."""
    margin = buffer * (boxes[:, 3:] - boxes[:, 1:2])                      # (n, 1)
    return np.hstack([boxes[:, :2] - margin, boxes[:, 2:] + margin])
