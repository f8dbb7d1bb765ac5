"""People whom the detector missed, as an independent network sees them.

Selfie segmentation was trained on other data for another task than the detector, so it errs
elsewhere. It looks at the whole image in one glance; person pixels far from everybody found before
become persons of their own.
"""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.detector import check_image
from latent_rag_ros.perception.person_mask import PersonMasker
from latent_rag_ros.protection.types import Box, Detection, ImageArray, MaskArray

PROBABILITY_MIN = 0.5
"""Person pixels of the whole image; around a box, where a person is expected, less is enough."""

AREA_SHARE_MIN = 0.0005
"""Smaller spots, as a share of the image, are noise: about 12 x 12 pixels of 640 x 480."""

SCORE = 0.0
"""The detector itself gave these people nothing: they are covered and never identified."""


class SecondOpinion:
    """Finds people by segmentation.

    Parameters
    ----------
    masker : PersonMasker
        The network; the image is scaled to its square input.
    """

    def __init__(self, masker: PersonMasker) -> None:
        self._masker = masker

    def missed(self, image: ImageArray, found: Sequence[Detection]) -> list[Detection]:
        """Return the persons among the pixels that belong to nobody in `found`.

        Raises as `person_cells` does.
        """
        return self.missed_in(self.person_cells(image), image, found)

    def person_cells(self, image: ImageArray) -> MaskArray:
        """Return where the network sees persons, in the cells of its square: (256, 256).

        Raises
        ------
        ValueError
            The image is empty or not RGB uint8.
        DetectorError
            The output is not finite.
        """
        check_image(image)
        return self._masker.image_probability(image) >= PROBABILITY_MIN

    @staticmethod
    def missed_in(cells: MaskArray, image: ImageArray,
                  found: Sequence[Detection]) -> list[Detection]:
        """Return the persons among the cells that belong to nobody in `found`; see `missed`."""
        person = cells.copy()
        scale = np.array(image.shape[1::-1]) / person.shape[::-1]     # x, y: cell to pixels
        for detection in found:
            person[_cells(detection.covered.clipped(*image.shape[:2]), scale).slices] = False
        return [Detection(_pixels(spot, scale).clipped(*image.shape[:2]), SCORE)
                for spot in _spots(person)]


def _cells(box: Box, scale: NDArray[np.float64]) -> Box:
    """Return the cells of the network's square that a box touches."""
    left, top = np.floor(np.array([box.left, box.top]) / scale).astype(int)
    right, bottom = np.ceil(np.array([box.right, box.bottom]) / scale).astype(int)
    return Box(int(left), int(top), int(right), int(bottom))


def _pixels(cells: Box, scale: NDArray[np.float64]) -> Box:
    """Return the pixels of cells and of half a cell around: between two cells runs the outline."""
    left, top = np.floor((np.array([cells.left, cells.top]) - 0.5) * scale).astype(int)
    right, bottom = np.ceil((np.array([cells.right, cells.bottom]) + 0.5) * scale).astype(int)
    return Box(int(left), int(top), int(right), int(bottom))


def _spots(mask: MaskArray) -> list[Box]:
    """Return the bounds of the connected parts that are large enough."""
    area_px_min = AREA_SHARE_MIN * mask.size
    _, _, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8))
    return [Box(int(left), int(top), int(left + width), int(top + height))
            for left, top, width, height, area_px in statistics[1:] if area_px >= area_px_min]
