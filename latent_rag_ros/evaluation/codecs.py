"""What a picture looks like after the transport: PNG keeps 8-bit values, JPEG does not."""
from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def jpeg_decoded(images: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return images as they arrive after JPEG.

    Parameters
    ----------
    images : NDArray
        Shape (n, height, width, 3), uint8, RGB.
    quality : int
        JPEG quality, 0..100.

    Returns
    -------
    NDArray
        Same shape, uint8, RGB.
    """
    decoded = []
    for image in images:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode('.jpg', bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded.append(cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB))
    return np.stack(decoded)
