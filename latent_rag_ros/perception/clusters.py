"""Which boxes show the same person, and how far the person may reach.

Non-maximum suppression keeps the best box of every person and throws the others away. For covering
that is a loss: where two views disagree about an arm or the feet, the better score may be the
smaller box. So what is suppressed still counts for the extent of the person.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.overlap import areas, intersection_over_union, intersections
from latent_rag_ros.protection.types import Box, Detection

FRAGMENT_SHARE = 0.9
"""An uncertain box with this share of its area inside a certain one is a part of that person."""


def clustered(boxes: NDArray[np.floating], scores: NDArray[np.floating], overlap_max: float,
              reach: NDArray[np.floating] | None = None,
              ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the best box of every person, and how far all boxes of that person reach.

    Parameters
    ----------
    boxes : NDArray
        Shape (n, 4): left, top, right, bottom in pixels.
    scores : NDArray
        Shape (n,).
    overlap_max : float
        Boxes with a larger intersection over union show one person.
    reach : NDArray, optional
        Shape (n, 4): what every box brings into the extent; None takes the boxes.

    Returns
    -------
    kept : NDArray
        Shape (m,): indices of the best boxes, best first.
    extents : NDArray
        Shape (m, 4): the smallest boxes that hold the reach of a person's kept and suppressed
        boxes.
    """
    if not len(boxes):
        return np.zeros(0, np.intp), np.zeros((0, 4))
    left_top_size = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    kept = np.asarray(cv2.dnn.NMSBoxes(left_top_size.tolist(), scores.tolist(), 0.0,
                                       overlap_max), np.intp).ravel()
    overlap = intersection_over_union(boxes, boxes[kept])                       # (n, m)
    reach = boxes if reach is None else reach
    extents = reach[kept].astype(np.float64)
    for row, column in enumerate(overlap.argmax(axis=1)):
        if overlap[row, column] > overlap_max:
            extents[column, :2] = np.minimum(extents[column, :2], reach[row, :2])
            extents[column, 2:] = np.maximum(extents[column, 2:], reach[row, 2:])
    return kept, extents


def united(detections: Sequence[Detection], overlap_max: float,
           certain_score: float) -> list[Detection]:
    """Return one detection per person from those of several views, best first.

    Boxes of one person are joined as in `clustered`; an uncertain one inside a certain person
    (`FRAGMENT_SHARE`) only adds to the extent of that person.
    """
    if not detections:
        return []
    extents = corners([detection.covered for detection in detections])
    scores = np.array([detection.score for detection in detections])
    kept, joined = clustered(corners([detection.box for detection in detections]), scores,
                             overlap_max, extents)
    persons = [replace(detections[index], extent=_whole(extent))
               for index, extent in zip(kept, joined)]
    certain = [person for person in persons if person.score >= certain_score]
    return _without_fragments(certain, [person for person in persons if person not in certain])


def _without_fragments(certain: list[Detection],
                       uncertain: Sequence[Detection]) -> list[Detection]:
    if not certain or not uncertain:
        return [*certain, *uncertain]
    small = corners([person.covered for person in uncertain])
    inside = intersections(small, corners([person.covered for person in certain]))
    share = inside / np.maximum(areas(small), 1.0)[:, None]                     # (k, m)
    left = []
    for row, person in enumerate(uncertain):
        column = int(share[row].argmax())
        if share[row, column] < FRAGMENT_SHARE:
            left.append(person)
        else:
            owner = certain[column]
            both = np.stack([corners([owner.covered])[0], small[row]])
            certain[column] = replace(owner, extent=_whole(np.concatenate(
                [both[:, :2].min(axis=0), both[:, 2:].max(axis=0)])))
    return [*certain, *left]


def corners(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """Return boxes as an array (n, 4): left, top, right, bottom."""
    return np.array([(box.left, box.top, box.right, box.bottom) for box in boxes],
                    np.float64).reshape(-1, 4)


def _whole(extent: NDArray[np.float64]) -> Box:
    """Return corners that are whole numbers as a box."""
    left, top, right, bottom = extent.tolist()
    return Box(int(left), int(top), int(right), int(bottom))
