"""The colour of shirt and trousers: measured on a picture, named by number.

A colour that can be told from the protected picture is a leak that PSNR and SSIM do not show.
Region and number are rules, not networks, so that truth and guess are read in the same way.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from skimage.color import deltaE_ciede2000

PALETTE_SIZE = 8
"""Colours that are told apart, for the torso and for the legs."""

COLOURS = ('black', 'grey', 'white', 'red', 'orange or brown', 'yellow', 'green', 'blue',
           'purple', 'pink')
"""Basic colour terms, by number."""

CHROMA_MIN = 14.0
"""CIELAB chroma below which a colour counts as black, grey or white."""
BLACK_BELOW, WHITE_FROM = 32.0, 72.0
"""CIELAB lightness, 0..100, of the borders between black, grey and white."""
HUE_ENDS_DEG = (42.0, 72.0, 108.0, 190.0, 312.0, 335.0)
"""CIELAB hue angle where red, orange, yellow, green, blue and purple end; pink ends at 8."""
PINK_END_DEG = 8.0

TORSO_ROWS, LEGS_ROWS = (0.2, 0.45), (0.55, 0.85)
"""Parts of the person's height, from the top."""
PIXELS_MIN = 12
"""A mask with fewer pixels in a region is no mask: the middle of the picture counts."""


class Clothing(NamedTuple):
    """One value per picture for the torso and for the legs."""

    torso: NDArray
    legs: NDArray


def clothing_lab(images: NDArray[np.uint8], masks: NDArray[np.bool_]) -> Clothing:
    """Return the median CIELAB colour of torso and legs of every picture, each (n, 3), float64.

    Parameters
    ----------
    images : NDArray
        Shape (n, height, width, 3), uint8, RGB.
    masks : NDArray
        Shape (n, height, width), bool: where the person is. Where it is next to empty the middle
        third of the picture counts.
    """
    pairs = [_median_colours(image, mask) for image, mask in zip(images, masks)]
    return Clothing(np.array([torso for torso, _ in pairs]), np.array([legs for _, legs in pairs]))


def clothing_colours(images: NDArray[np.uint8], masks: NDArray[np.bool_]) -> Clothing:
    """Return the basic colour term of torso and legs as numbers in `COLOURS`, each (n,), int64.

    Arguments as in `clothing_lab`.
    """
    lab = clothing_lab(images, masks)
    return Clothing(basic_colours(lab.torso), basic_colours(lab.legs))


def basic_colours(lab: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the number in `COLOURS` of CIELAB colours (n, 3)."""
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    hue_deg = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    grey = np.searchsorted([BLACK_BELOW, WHITE_FROM], lab[:, 0], side='right')
    hue = COLOURS.index('red') + np.searchsorted(HUE_ENDS_DEG, hue_deg, side='right')
    hue = np.where(hue_deg < PINK_END_DEG, COLOURS.index('pink'), hue)
    return np.where(chroma < CHROMA_MIN, grey, hue).astype(np.int64)


@dataclass(frozen=True)
class Palette:
    """The colours that clothes of a population have, to name the colour of a person by number.

    Basic colour terms would call two thirds of all clothes black. The palette follows the
    population instead, so that guessing its most common colour is right as rarely as possible.

    Parameters
    ----------
    torso, legs : NDArray
        CIELAB colours, shape (8, 3) each.
    """

    torso: NDArray[np.float64]
    legs: NDArray[np.float64]

    @classmethod
    def of(cls, lab: Clothing, seed: int = 0) -> Palette:
        """Return the centres of k-means (k = 8) on the colours of `clothing_lab`."""
        return cls(*(kmeans2(colours, PALETTE_SIZE, minit='++', seed=seed)[0] for colours in lab))

    def numbers(self, lab: Clothing) -> Clothing:
        """Return the nearest colour of the palette for colours of `clothing_lab`, each (n,)."""
        return Clothing(*(_nearest(colours, centres)
                          for colours, centres in zip(lab, (self.torso, self.legs))))


def chance(training: NDArray[np.int64], asked: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return where the most common number of `training` is right in `asked`, (n,), 0 or 1."""
    return (asked == np.bincount(training).argmax()).astype(np.float64)


def _nearest(lab: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.linalg.norm(lab[:, np.newaxis] - centres, axis=2).argmin(axis=1)


def colour_difference(first: NDArray[np.float64],
                      second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the CIEDE2000 difference of CIELAB colours (n, 3), shape (n,); 0 equal, 100 far."""
    return deltaE_ciede2000(first, second)


def _median_colours(image: NDArray[np.uint8], mask: NDArray[np.bool_]
                    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    height, width = mask.shape
    rows = np.flatnonzero(mask.any(axis=1))
    top, bottom = (rows[0], rows[-1] + 1) if len(rows) >= height // 3 else (0, height)
    colours = []
    for start, end in (TORSO_ROWS, LEGS_ROWS):
        region = slice(round(top + start * (bottom - top)), round(top + end * (bottom - top)))
        pixels = lab[region][mask[region]]
        if len(pixels) < PIXELS_MIN:
            pixels = lab[region, width // 3:-(width // 3)].reshape(-1, 3)
        colours.append(np.median(pixels, axis=0).astype(np.float64))
    return colours[0], colours[1]
