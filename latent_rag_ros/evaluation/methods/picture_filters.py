"""What others use in place of synthesis: solid colour, blur, mosaic, pixelation, noise.

Strengths are those of the literature at 256 x 128 (Zhang et al., ACM MM 2022), halved with the
size of our crops: blur sigma 6 for 12, mosaic 12 px for 24.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from latent_rag_ros.evaluation.floors import blurred, pixelated, solid
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.methods.method import Images

MOSAIC_PX = 12
NOISE_DEVIATION = 0.5
"""Standard deviation of the noise for values in 0..1."""


@dataclass(frozen=True)
class PictureFilter:
    """A method that changes every picture by itself, without any network.

    Parameters
    ----------
    name : str
        Key of the method in the results.
    apply : callable
        Images (n, h, w, 3), uint8, to images of the same shape.
    """

    name: str
    apply: Callable[[Images], Images]

    def protect(self, people: HeldOutPeople) -> Images:
        """Return the filtered pictures."""
        return self.apply(people.images)


def mosaic(images: Images, block_px: int = MOSAIC_PX) -> Images:
    """Return images of blocks, each in the colour of its top left pixel.

    Pixelation (`floors.pixelated`) takes the mean of the block instead.
    """
    height, width = images.shape[1:3]
    rows = np.arange(height) // block_px * block_px
    columns = np.arange(width) // block_px * block_px
    return images[:, rows][:, :, columns]


def noisy(images: Images, deviation: float = NOISE_DEVIATION, seed: int = 0) -> Images:
    """Return images with Gaussian noise of a standard deviation given for values in 0..1."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 255 * deviation, images.shape)
    return np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def picture_filters() -> list[PictureFilter]:
    """Return the filters of the comparison."""
    return [PictureFilter('solid', lambda images: solid(images, 0)),
            PictureFilter('blur', blurred),
            PictureFilter('mosaic', mosaic),
            PictureFilter('pixelation_8', lambda images: pixelated(images, 8)),
            PictureFilter('pixelation_16', lambda images: pixelated(images, 16)),
            PictureFilter('noise', noisy)]
