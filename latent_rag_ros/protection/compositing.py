"""Puts patches where persons were. Erases first, so that nothing of the input shines through."""
from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.protection.types import ImageArray, MaskArray, Region


def erase(image: ImageArray, regions: Iterable[Region],
          fill_level: int) -> tuple[ImageArray, MaskArray]:
    """Return a copy of the image with every region in one grey level, and the mask of all regions.

    This is the only step that reads input pixels on their way to publication: what it fills is
    gone for all later steps.
    """
    canvas = np.array(image, order='C')
    covered = np.zeros(image.shape[:2], bool)
    for region in regions:
        covered[region.bounds.slices] |= region.mask
    _copy(np.full_like(canvas, fill_level), covered, canvas)
    return canvas, covered


def paste(canvas: ImageArray, region: Region, patch: NDArray[np.uint8]) -> None:
    """Draw a patch of any size, shape (h, w, 3), over a region of the canvas, in place."""
    size = (region.bounds.width_px, region.bounds.height_px)
    shrinks = size[0] < patch.shape[1]
    scaled = cv2.resize(patch, size,
                        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    _copy(scaled, region.mask, canvas[region.bounds.slices])


def _copy(source: ImageArray, mask: MaskArray, target: ImageArray) -> None:
    """Copy where the mask says so, in place: 20 to 100 times as fast as indexing by the mask.

    Raises `RuntimeError` where OpenCV could not write into `target` itself.
    """
    written = cv2.copyTo(source, mask.view(np.uint8), target)
    if not np.shares_memory(written, target):
        raise RuntimeError(f'an image of shape {target.shape} and strides {target.strides} cannot '
                           'be written in place; give one whose rows are contiguous')
