"""The square around a head that the face networks look at, found from five landmarks.

Training faces are framed with hair and chin in view (`synthesis.face_renderer`); the numbers here
were fitted to their labels, so that a face is cut out as the networks have learned it.
"""
from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.identity_decoupling.oracles.alignment import LANDMARKS
from latent_rag_ros.protection.types import Box, ImageArray

SIDE_PER_SPREAD = 7.4
"""Side of the square by the root mean square distance of the landmarks from their mean."""

UP_PER_SIDE = 0.104
"""How far the middle of the head lies above the mean of the landmarks, as a share of the side."""

BACK_PER_NOSE = 2.67
"""How far it lies to the side by how far the nose is out of the middle of eyes and mouth: a head
that is turned lies behind its face."""

BACK_MAX_PER_SIDE = 0.25
SIDE_PX_MAX = 16_384


def face_square(landmarks: NDArray[np.float32]) -> Box:
    """Return the square around a head; it may leave the image.

    Parameters
    ----------
    landmarks : NDArray
        Shape (5, 2), pixels of the image, see `oracles.alignment`.

    Raises
    ------
    ValueError
        The landmarks have another shape, are one point, not finite, or absurdly far apart.
    """
    points = np.asarray(landmarks, np.float64)
    if points.shape != (LANDMARKS, 2):
        raise ValueError(f'landmarks have shape {points.shape}; give ({LANDMARKS}, 2)')
    middle = points.mean(0)
    side = SIDE_PER_SPREAD * float(np.sqrt(np.square(points - middle).sum(1).mean()))
    if not (np.isfinite(points).all() and 1 <= side <= SIDE_PX_MAX):
        raise ValueError(f'landmarks {points.tolist()} are one point or not finite; '
                         'they show no face')
    nose_out = points[2, 0] - points[[0, 1, 3, 4], 0].mean()
    back = float(np.clip(BACK_PER_NOSE * nose_out / side, -BACK_MAX_PER_SIDE, BACK_MAX_PER_SIDE))
    left = middle[0] + 0.5 - (back + 0.5) * side
    top = middle[1] + 0.5 - (UP_PER_SIDE + 0.5) * side
    side_px = max(2, round(side))
    return Box(round(left), round(top), round(left) + side_px, round(top) + side_px)


def cut(image: ImageArray, square: Box) -> ImageArray:
    """Return the pixels of a square; outside the image its border is repeated.

    Raises ValueError when no pixel of the square lies in the image.
    """
    height_px, width_px = image.shape[:2]
    inside = square.clipped(height_px, width_px)
    if not inside.width_px or not inside.height_px:
        raise ValueError(f'{square} has no pixel of an image of {width_px} x {height_px} px')
    return cv2.copyMakeBorder(
        image[inside.slices], inside.top - square.top, square.bottom - inside.bottom,
        inside.left - square.left, square.right - inside.right, cv2.BORDER_REPLICATE)


def scaled(pixels: ImageArray, side_px: int) -> ImageArray:
    """Return a square picture (s, s, 3) with another side, averaged where it shrinks."""
    if pixels.shape[0] == side_px:
        return pixels
    shrinks = side_px < pixels.shape[0]
    return cv2.resize(pixels, (side_px, side_px),
                      interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)


def points_in(landmarks: NDArray[np.float32], square: Box, side_px: int) -> NDArray[np.float32]:
    """Return landmarks (5, 2) of the image as pixels of a square that was scaled to `side_px`."""
    corner = np.array([square.left, square.top], np.float64)
    scale = side_px / square.width_px
    return ((np.asarray(landmarks) - corner + 0.5) * scale - 0.5).astype(np.float32)
