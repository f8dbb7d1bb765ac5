"""Notices that something moves where nobody is covered, for a thousandth of a detection's cost.

Between two detections somebody can come into the picture. Whoever does so changes pixels: the
frame is compared with the one of the last detection, both made small, outside of what is covered.
A camera that moves changes everything, and is answered by a detection in every frame.
"""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.protection.types import Box, ImageArray

SIDE_PX = 160
"""Longer side of the small picture: a person of 40 pixels in 640 x 480 is 10 pixels high there."""

CHANGE_LEVEL = 16
"""A pixel has changed when a colour differs by so many levels of 255; the noise of a small pixel,
the mean of 16 or more, is far below. Colours and not grey: a red coat on grey ground may be as
bright as the ground."""

CHANGED_PX_MIN = 6
"""So many changed pixels that touch each other are something that moves."""

COVER_GROWTH = 0.1
"""Covered boxes grow by this share of their height on every side: the people in them move."""


class MotionGuard:
    """Compares frames with the one that was looked at last. Not thread-safe."""

    def __init__(self) -> None:
        self._seen: NDArray[np.uint8] | None = None

    def reset(self) -> None:
        """Forget the picture."""
        self._seen = None

    def look(self, image: ImageArray) -> None:
        """Note a frame (h, w, 3), RGB, in which people were detected."""
        self._seen = _small(image)

    def is_needed(self, image: ImageArray, covered: Sequence[Box]) -> bool:
        """Return whether people have to be detected in a frame: something new may be in it.

        Parameters
        ----------
        image : ImageArray
            The frame.
        covered : sequence of Box
            What is covered anyhow, in pixels of the frame.
        """
        small = _small(image)
        if self._seen is None or small.shape != self._seen.shape:
            return True
        red, green, blue = cv2.split(cv2.absdiff(small, self._seen))
        changed = (cv2.max(cv2.max(red, green), blue) >= CHANGE_LEVEL).view(np.uint8)
        scale = small.shape[1] / image.shape[1]
        for box in covered:
            grown = box.grown(round(COVER_GROWTH * box.height_px))
            # inwards: a small pixel that is half outside is looked at
            left, top = (int(np.ceil(scale * edge)) for edge in (grown.left, grown.top))
            right, bottom = (int(scale * edge) for edge in (grown.right, grown.bottom))
            changed[max(top, 0):max(bottom, 0), max(left, 0):max(right, 0)] = 0
        if cv2.countNonZero(changed) < CHANGED_PX_MIN:
            return False
        _, _, statistics, _ = cv2.connectedComponentsWithStats(changed)
        return bool((statistics[1:, cv2.CC_STAT_AREA] >= CHANGED_PX_MIN).any())


def _small(image: ImageArray) -> NDArray[np.uint8]:
    scale = SIDE_PX / max(image.shape[:2])
    size = max(1, round(scale * image.shape[1])), max(1, round(scale * image.shape[0]))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
