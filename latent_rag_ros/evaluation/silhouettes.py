"""Where a person seems to be in a crop: the filter's own segmentation, on any picture of one."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.person_mask import WEIGHTS_NAME, PersonMasker
from latent_rag_ros.protection.types import Box
from latent_rag_ros.weights.registry import weights_file

SCORE_MIN = 0.5
"""Person probability of a pixel of the outline."""


class Silhouettes:
    """Segments crops by the shipped network. Raises `WeightsError` when that is not there."""

    def __init__(self) -> None:
        self._masker = PersonMasker(weights_file(WEIGHTS_NAME), SCORE_MIN)

    def of(self, images: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return the silhouettes of crops (n, h, w, 3), uint8, RGB: (n, h, w), bool."""
        masks = np.zeros(images.shape[:3], bool)
        for mask, image in zip(masks, images):
            window, found = self._masker.mask(image, Box(0, 0, *image.shape[1::-1]))
            mask[window.slices] = found
        return masks


def intersection_over_union(first: NDArray[np.bool_],
                            second: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the IoU of masks (n, h, w), shape (n,); 0 where both are empty."""
    shared = (first & second).sum(axis=(1, 2))
    union = (first | second).sum(axis=(1, 2))
    return shared / np.maximum(union, 1)
