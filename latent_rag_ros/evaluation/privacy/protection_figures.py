"""How unlike the original a protected picture is: pixels, structure, edges, outline, colours."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.clothing_colour import Clothing, clothing_lab, colour_difference
from latent_rag_ros.evaluation.figures import Figures, with_interval
from latent_rag_ros.evaluation.metrics import psnr_db, ssim
from latent_rag_ros.evaluation.silhouettes import Silhouettes, intersection_over_union
from latent_rag_ros.parameters import PROTECTOR, checked_values

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Looks:
    """A set of pictures with what can be seen in them.

    Parameters
    ----------
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    masks : NDArray
        Silhouettes, shape (n, 128, 64), bool.
    clothing : Clothing
        CIELAB colours of torso and legs, each (n, 3).
    """

    images: Images
    masks: NDArray[np.bool_]
    clothing: Clothing

    @classmethod
    def of(cls, images: Images, silhouettes: Silhouettes) -> Looks:
        """Find silhouettes and colours in pictures."""
        masks = silhouettes.of(images)
        return cls(images, masks, clothing_lab(images, masks))


def edge_correlation(images: Images, references: Images) -> NDArray[np.float64]:
    """Return the correlation of the gradient magnitudes of grey pictures, (n,), -1..1.

    Both have shape (n, h, w, 3), uint8, RGB. A picture without edges correlates with nothing: 0.
    """
    first, second = (_edges(pictures) for pictures in (images, references))
    first -= first.mean(axis=1, keepdims=True)
    second -= second.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(axis=1) / np.maximum(scale, 1e-9)


def similarity_figures(images: Images, references: Images,
                       identities: NDArray[np.int64]) -> Figures:
    """Return `psnr_db` and `ssim` with intervals; pictures (n, 128, 64, 3), uint8, RGB."""
    return (with_interval('psnr_db', psnr_db(images, references), identities)
            | with_interval('ssim', ssim(images, references), identities))


def protection_figures(looks: Looks, raw: Looks, identities: NDArray[np.int64]) -> Figures:
    """Return everything that tells how unlike two sets of pictures are, each with its interval.

    Returns
    -------
    dict
        `psnr_db`, `ssim`, `edge_correlation` (-1..1), `silhouette_iou` (0..1) and the CIEDE2000
        differences `torso_colour_difference` and `legs_colour_difference`.
    """
    values = {
        'edge_correlation': edge_correlation(looks.images, raw.images),
        'silhouette_iou': intersection_over_union(looks.masks, raw.masks),
        'torso_colour_difference': colour_difference(looks.clothing.torso, raw.clothing.torso),
        'legs_colour_difference': colour_difference(looks.clothing.legs, raw.clothing.legs)}
    figures = similarity_figures(looks.images, raw.images, identities)
    for name, of_pictures in values.items():
        figures |= with_interval(name, of_pictures, identities)
    return figures


def share_refused(images: Images, references: Images, cosine: NDArray[np.float64]) -> float:
    """Return the share of pictures that the filter would replace by a solid colour, 0..1.

    It verifies every patch: neither too much like the original nor another identity. `cosine` (n,)
    is the authorised network's.
    """
    limits = checked_values(PROTECTOR, {})
    refused = ((psnr_db(images, references) > limits['protection.psnr_db_max'])
               | (ssim(images, references) > limits['protection.ssim_max'])
               | (cosine < limits['identity.cosine_min']))
    return round(float(refused.mean()), 4)


def _edges(images: Images) -> NDArray[np.float64]:
    rows = []
    for image in images:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64)
        rows.append(np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0),
                             cv2.Sobel(grey, cv2.CV_64F, 0, 1)).ravel())
    return np.stack(rows)
