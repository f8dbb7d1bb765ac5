"""The region of a person: box and mask united and grown. Inside it no input pixel survives."""
from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from latent_rag_ros.protection.types import Box, ImageArray, MaskArray, Region, TrackedPerson

MASK_REACH = 0.25
"""How far outside the box, as a share of its height, the mask may reach: an outstretched arm, but
not the neighbour, who has a box of his own."""


class Masker(Protocol):
    """Tells where in an image a person is."""

    def mask(self, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        """Return where the mask lies and the mask; see `PersonMasker.mask`."""
        ...


BORDER_SHARE = 0.02
"""Nearer to the border than this share of the image, a person goes on to the border.

Whoever is cut off by it is seen worst there.
"""


def to_border(box: Box, height_px: int, width_px: int) -> Box:
    """Return the box with sides that are close to the border of the image moved onto it."""
    rows, columns = round(BORDER_SHARE * height_px), round(BORDER_SHARE * width_px)
    return Box(0 if box.left <= columns else box.left, 0 if box.top <= rows else box.top,
               width_px if box.right >= width_px - columns else box.right,
               height_px if box.bottom >= height_px - rows else box.bottom)


def region_of(image: ImageArray, person: TrackedPerson, masker: Masker | None,
              margin: float) -> Region | None:
    """Return the region of one person, or None when no part of the box is inside the image.

    Parameters
    ----------
    masker : Masker, optional
        None covers the grown box alone.
    margin : float
        Growth on every side as a share of the height of the person's extent.

    Raises
    ------
    DetectorError
        The mask network failed.
    """
    height_px, width_px = image.shape[:2]
    crop_box = person.box.clipped(height_px, width_px)
    extent = person.covered  # the best box may show a part of the person only
    margin_px = max(1, round(margin * extent.height_px))
    box = to_border(extent.grown(margin_px), height_px, width_px)
    box = box.clipped(height_px, width_px)
    if not crop_box.width_px or not crop_box.height_px:
        return None
    if masker is None:
        return Region(person.track_id, box, np.ones((box.height_px, box.width_px), bool), crop_box)
    reach_px = round(MASK_REACH * extent.height_px)
    limit = extent.grown(reach_px).united(box).clipped(height_px, width_px)
    mask = _mask_within(limit, *masker.mask(image, extent))
    mask = cv2.dilate(mask.view(np.uint8), _square(margin_px)).view(bool)
    rows, columns = box.slices
    mask[rows.start - limit.top:rows.stop - limit.top,
         columns.start - limit.left:columns.stop - limit.left] = True
    return _trimmed(person.track_id, limit, mask, crop_box)


def _mask_within(limit: Box, window: Box, window_mask: MaskArray) -> MaskArray:
    """Return the part of a mask inside `limit`, shape (limit.height_px, limit.width_px)."""
    mask = np.zeros((limit.height_px, limit.width_px), bool)
    common = Box(max(limit.left, window.left), max(limit.top, window.top),
                 min(limit.right, window.right), min(limit.bottom, window.bottom))
    if common.width_px and common.height_px:
        mask[common.top - limit.top:common.bottom - limit.top,
             common.left - limit.left:common.right - limit.left] = window_mask[
                 common.top - window.top:common.bottom - window.top,
                 common.left - window.left:common.right - window.left]
    return mask


def _square(radius_px: int) -> np.ndarray:
    """Return the square around a disc: it covers more than the disc and costs a twentieth."""
    return np.ones((2 * radius_px + 1, 2 * radius_px + 1), np.uint8)


def _trimmed(track_id: int, limit: Box, mask: MaskArray, crop_box: Box) -> Region:
    """Return the region with the smallest bounds that hold the mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    bounds = Box(int(limit.left + left), int(limit.top + top),
                 int(limit.left + right), int(limit.top + bottom))
    return Region(track_id, bounds, mask[top:bottom, left:right], crop_box)
