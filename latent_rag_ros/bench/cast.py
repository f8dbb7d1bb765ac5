"""The people and the street of the benchmark, cut out of the shipped clip with its exact masks."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.frames import LabelledFrame, shipped_clip
from latent_rag_ros.protection.types import ImageArray

CLEARANCE_PX = 3
"""So far a whole person stays away from the border and from everybody else."""

CUT_OUTS_MIN = 8
"""A person with fewer cut-outs in a row does not walk and is left out."""


@dataclass(frozen=True)
class CutOut:
    """One picture of one whole person.

    Parameters
    ----------
    image : ImageArray
        Shape (h, w, 3), uint8, RGB.
    mask : NDArray
        Shape (h, w), uint8: 255 where the person is, else 0.
    """

    image: ImageArray
    mask: NDArray[np.uint8]


@dataclass(frozen=True)
class Cast:
    """Who can be placed where.

    Parameters
    ----------
    street : ImageArray
        Shape (h, w, 3), uint8, RGB: the place without anybody.
    actors : tuple of tuple of CutOut
        Per synthetic person successive pictures of the way the person walks.
    """

    street: ImageArray
    actors: tuple[tuple[CutOut, ...], ...]


def shipped_cast() -> Cast:
    """Return the cast of the shipped clip; nobody in it exists.

    Raises `EvaluationError` when the clip or its masks are missing, or show no whole person.
    """
    frames = [frame for frame in shipped_clip() if frame.labels is not None]
    numbers = sorted({int(number) for frame in frames for number in np.unique(frame.labels)} - {0})
    runs = [_longest_run([_cut_out(frame, number) for frame in frames]) for number in numbers]
    actors = tuple(run for run in runs if len(run) >= CUT_OUTS_MIN)
    if not actors:
        raise EvaluationError('the shipped clip shows no whole person; install the package again '
                              'with its data')
    return Cast(_street(frames), actors)


def _street(frames: Sequence[LabelledFrame]) -> ImageArray:
    """Return the mean of every pixel over the frames in which nobody is there."""
    total = np.zeros(frames[0].image.shape, np.float64)
    count = np.zeros((*total.shape[:2], 1))
    for frame in frames:
        free = (frame.labels == 0)[..., None]
        total += frame.image * free
        count += free
    return np.rint(total / np.maximum(count, 1)).astype(np.uint8)


def _cut_out(frame: LabelledFrame, number: int) -> CutOut | None:
    """Return a person of a frame; None when the person is not there, or not whole and alone."""
    mask = (frame.labels == number).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(mask)
    right, bottom = left + width, top + height
    near = frame.labels[max(0, top - CLEARANCE_PX):bottom + CLEARANCE_PX,
                        max(0, left - CLEARANCE_PX):right + CLEARANCE_PX]
    whole = (left >= CLEARANCE_PX and top >= CLEARANCE_PX
             and right <= mask.shape[1] - CLEARANCE_PX and bottom <= mask.shape[0] - CLEARANCE_PX)
    if not height or not whole or not np.isin(near, (0, number)).all():
        return None
    place = slice(top, bottom), slice(left, right)
    return CutOut(frame.image[place], mask[place] * 255)


def _longest_run(found: Sequence[CutOut | None]) -> tuple[CutOut, ...]:
    """Return the longest stretch without a gap."""
    best: list[CutOut] = []
    run: list[CutOut] = []
    for cut_out in found:
        run = [] if cut_out is None else [*run, cut_out]
        best = max(best, run, key=len)
    return tuple(best)
