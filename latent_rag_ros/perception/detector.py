"""What every person detector promises, and the checks that all of them share."""
from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.protection.types import Box, Detection, ImageArray

DETECTIONS_MAX = 1000
"""More persons than this in one frame means that the detector is broken."""


class DetectorError(RuntimeError):
    """A perception network gave an output that cannot be true; the frame must not pass."""


class PersonDetector(Protocol):
    """Finds the persons of one image."""

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return one detection per person, boxes inside the image.

        Raises
        ------
        ValueError
            The image is empty or not RGB uint8.
        DetectorError
            The output is not finite or otherwise absurd.
        """
        ...


@runtime_checkable
class Resettable(Protocol):
    """A part that remembers something from frame to frame, and can forget it."""

    def reset(self) -> None:
        """Forget: the next frame is the first one."""
        ...


def reset_part(part: object) -> None:
    """Reset a part that remembers something; do nothing with any other."""
    if isinstance(part, Resettable):
        part.reset()


def check_image(image: ImageArray) -> None:
    """Raise `ValueError` unless the image is RGB uint8 of shape (height, width, 3), not empty."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f'image has shape {image.shape} and dtype {image.dtype}; '
                         'give RGB uint8 of shape (height, width, 3)')
    if image.size == 0:
        raise ValueError(f'image has shape {image.shape}; give one with at least one pixel')


def checked_detections(boxes: NDArray[np.floating], scores: NDArray[np.floating],
                       height_px: int, width_px: int,
                       extents: NDArray[np.floating] | None = None) -> list[Detection]:
    """Return the raw output of a detector as detections, after checking that it can be true.

    Boxes are rounded outwards and clipped to the image; those entirely outside are left out.

    Parameters
    ----------
    boxes : NDArray
        Shape (n, 4): left, top, right, bottom in pixels of the image.
    scores : NDArray
        Shape (n,), 0..1.
    height_px, width_px : int
        Size of the image.
    extents : NDArray, optional
        Shape (n, 4), like `boxes`: how far every person may reach; None takes the boxes.

    Raises
    ------
    DetectorError
        A value is not finite, a box is inside out, a score is not in 0..1, or there are more than
        `DETECTIONS_MAX` boxes.
    """
    if len(boxes) > DETECTIONS_MAX:
        raise DetectorError(f'detector found {len(boxes)} persons, more than {DETECTIONS_MAX}; '
                            'raise detector.score_min or check the weights')
    extents = boxes if extents is None else extents
    if not all(np.isfinite(values).all() for values in (boxes, extents, scores)):
        raise DetectorError('detector output is not finite; check the weights')
    if (boxes[:, 2:] < boxes[:, :2]).any() or (scores < 0).any() or (scores > 1).any():
        raise DetectorError('detector gave a box inside out or a score outside 0..1; '
                            'check the weights')
    detections = []
    for corners, extent, score in zip(boxes.tolist(), extents.tolist(), scores.tolist()):
        box = _outwards(corners).clipped(height_px, width_px)
        if box.width_px and box.height_px:
            covered = _outwards(extent).clipped(height_px, width_px)
            detections.append(Detection(box, score, None if covered == box else covered))
    return detections


def _outwards(corners: list[float]) -> Box:
    """Return the smallest box of whole pixels that holds left, top, right, bottom."""
    left, top, right, bottom = corners
    return Box(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
