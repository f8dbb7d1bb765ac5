"""How a new face goes into a picture: nothing but it in the middle, fading out towards the border.

The middle holds the head with most of its hair. No pixel of the person's own face survives there;
the ring around it mixes both pictures, and outside the ring every pixel stays what it was.
"""
from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.protection.types import Box, ImageArray, MaskArray

CORE, OUTER = 0.88, 0.98
"""Radii of the middle and of the ring's outer border, as shares of half the side."""

ROUNDNESS = 4
"""2 is a circle, more is nearer to a square: long hair reaches into the corners."""


@functools.lru_cache(maxsize=32)
def head_opacity(side_px: int) -> NDArray[np.float32]:
    """Return the share of the new face (side, side), 0..1: 1 in the middle, 0 at the border."""
    axis = np.abs((np.arange(side_px) + 0.5) / side_px * 2 - 1) ** ROUNDNESS
    radius = (axis[:, None] + axis) ** (1 / ROUNDNESS)
    share = np.clip((OUTER - radius) / (OUTER - CORE), 0, 1)
    opacity = (share * share * (3 - 2 * share)).astype(np.float32)
    opacity.setflags(write=False)  # it is shared
    return opacity


def head_core(side_px: int) -> MaskArray:
    """Return where nothing of the old picture survives, (side, side)."""
    return head_opacity(side_px) == 1


def blended(under: ImageArray, over: ImageArray, opacity: NDArray[np.float32]) -> ImageArray:
    """Return `over` on `under`, both (h, w, 3), by the opacity (h, w) in 0..1, in 8 bits.

    Pixels of opacity 0 and 1 are exactly those of `under` and `over`.
    """
    share = opacity[..., None]
    return np.rint(under * (1 - share) + over * share).astype(np.uint8)


def inserted(image: ImageArray, square: Box, pixels: ImageArray) -> ImageArray:
    """Return a copy of an image with a new head (side, side, 3) in a square that may leave it."""
    inside = square.clipped(*image.shape[:2])
    part = inside.moved(-square.left, -square.top).slices
    result = image.copy()
    result[inside.slices] = blended(image[inside.slices], pixels[part],
                                    head_opacity(square.width_px)[part])
    return result
