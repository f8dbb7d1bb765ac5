"""What a gaze is read from: the face, turned upright and scaled by its landmarks."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.identity_decoupling.oracles.alignment import arcface_template, similarity
from latent_rag_ros.protection.types import ImageArray

SIDE_PX = 112
"""Eyes are 35 pixels apart in a face that is seen from the front."""

EYE_ROWS, EYE_COLUMNS = slice(40, 64), (slice(20, 56), slice(56, 92))
"""Where both eyes are in it, with room for landmarks that are not exact."""


@dataclass(frozen=True)
class GazeCrop:
    """A face that was cut out upright.

    Parameters
    ----------
    pixels : NDArray
        Shape (112, 112), uint8, grey: a gaze has no colour, and people have.
    turn : complex
        Of length 1: by how much the picture was turned; see `gaze_geometry.turned_in_picture`.
    """

    pixels: NDArray[np.uint8]
    turn: complex


def gaze_crop(image: ImageArray, landmarks: NDArray[np.float32]) -> GazeCrop:
    """Cut a face out of a picture (h, w, 3) at its five landmarks (5, 2).

    Larger faces are averaged; outside the picture its border is repeated. Raises ValueError when
    the landmarks are one point or not finite.
    """
    a, b = similarity(torch.from_numpy(np.array(landmarks, np.float32)), arcface_template(SIDE_PX))
    a, b = complex(a), complex(b)
    shrink = min(abs(a), 1.0)
    if shrink < 1:
        size = tuple(max(1, round(side * shrink)) for side in image.shape[1::-1])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        # the centre of the first pixel is at (0, 0), its corner stays where it is
        a, b = a / shrink, b + a / shrink * complex(.5, .5) * (1 - shrink)
    transform = np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])
    pixels = cv2.warpAffine(image, transform, (SIDE_PX, SIDE_PX), flags=cv2.INTER_LINEAR,
                            borderMode=cv2.BORDER_REPLICATE)
    return GazeCrop(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), a / abs(a))
