"""Whether input pixels survive in a covered region: two independent checks.

*Identical blocks* looks at one picture: a 4 x 4 block of the output that equals the input there,
inside the covered region, was copied. *Surviving pixels* is exact per pixel: the low bits of the
whole input are replaced by noise several times; a pixel that was copied follows every time, any
other one by chance at most 32^-3 per repetition.
"""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.protection.types import ImageArray, MaskArray

BLOCK_PX = 4
NOISE_BITS = 5


def identical_blocks(before: ImageArray, after: ImageArray, covered: MaskArray) -> int:
    """Count the 4 x 4 windows inside the covered region whose pixels all equal the input.

    Windows at every offset count. Windows of one colour do not: a solid fill over a black or
    over-exposed surface equals it without having been copied.

    Parameters
    ----------
    before, after : ImageArray
        Raw and protected image, RGB.
    covered : MaskArray
        True where no input pixel may be.
    """
    equal = (np.all(before == after, axis=-1) & covered).astype(np.uint8)
    window = np.ones((BLOCK_PX, BLOCK_PX), np.uint8)
    # erode and dilate see the same window around the same anchor; outside the image counts as
    # not equal, so that only windows wholly inside the image are counted
    same = cv2.erode(equal, window, borderType=cv2.BORDER_CONSTANT, borderValue=0).astype(bool)
    highest, lowest = cv2.dilate(before, window), cv2.erode(before, window)
    return int(np.count_nonzero(same & np.any(highest != lowest, axis=-1)))


def with_noise(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Return the image with its five lowest bits replaced at random, in every pixel and channel.

    Every value keeps its upper bits, so the picture stays recognisable for a detector, and no
    value is more likely than another: nothing is clipped at black or white.
    """
    noise = rng.integers(1 << NOISE_BITS, size=image.shape, dtype=np.uint8)
    return image ^ noise


def surviving_pixels(before: Sequence[ImageArray], after: Sequence[ImageArray],
                     covered: Sequence[MaskArray]) -> tuple[int, int]:
    """Count the pixels that equal the input in every repetition.

    Parameters
    ----------
    before, after : sequence of ImageArray
        Raw and protected image of the same frame, once per repetition, RGB.
    covered : sequence of MaskArray
        Covered region of every repetition.

    Returns
    -------
    tuple of int
        Surviving pixels, and pixels looked at: those covered in every repetition.
    """
    looked_at = np.logical_and.reduce(list(covered))
    equal = [np.all(raw == protected, axis=-1) for raw, protected in zip(before, after)]
    survived = np.logical_and.reduce(equal) & looked_at
    return int(np.count_nonzero(survived)), int(np.count_nonzero(looked_at))


def transmission(change: NDArray[np.int16], response: NDArray[np.int16],
                 covered: MaskArray) -> float:
    """Return the share of a pixel's change that comes through at the same pixel.

    Least-squares slope of the output's change on the input's, over the covered pixels: 1 for
    copied pixels, a for pixels blended in with weight a, about 0 for synthesised ones, which
    change too, but not pixel by pixel with the noise.

    Parameters
    ----------
    change, response : NDArray
        Input and output of one repetition minus those of another, shape (h, w, 3), int16.
    covered : MaskArray
        Covered in both repetitions.
    """
    given = change[covered].astype(np.float64)
    energy = np.square(given).sum()
    return float((given * response[covered]).sum() / energy) if energy else 0.0
