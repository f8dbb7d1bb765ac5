"""Further detections of people who were found already: a second box, a limb, a seam of pixels.

Detectors often give one person two boxes that differ too much for non-maximum suppression: the
body, and the body with an outstretched leg. Which of them has the better score changes from frame
to frame. What such a box shows must be covered; a person of its own it is not.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.overlap import (areas, buffered, intersection_over_union,
                                               intersections)

OVERLAP_MIN = 0.4
"""Boxes that nobody was tracked in before and that overlap so much (intersection over union) are
one person, or two of whom one hides the other."""

WEAK_SHARE = 0.7
"""A weak detection with this share of its box on a person is a part or a second box of them."""

REACH = 0.1
"""So far around a person, as a share of the height, such a part may lie."""


def owner_of(extent: NDArray[np.float64], box: NDArray[np.float64], is_weak: bool,
             boxes: NDArray[np.float64], extents: NDArray[np.float64]) -> int | None:
    """Return who a detection without a track belongs to; None for a person of its own.

    Parameters
    ----------
    extent, box : NDArray
        Shape (4,): all that may belong to the detected person, and the best box.
    is_weak : bool
        Whether the detector is not sure that it is a person at all.
    boxes, extents : NDArray
        Shape (n, 4): the same of the people who are seen in this frame.

    Returns
    -------
    int or None
        Row of the person.
    """
    if not len(boxes):
        return None
    overlap = intersection_over_union(box[None], boxes)[0]                     # (n,)
    best = int(overlap.argmax())
    if overlap[best] >= OVERLAP_MIN:
        return best
    if not is_weak:
        return None
    share = intersections(extent[None], buffered(extents, REACH))[0] / areas(extent[None])
    best = int(share.argmax())
    return best if share[best] >= WEAK_SHARE else None
