"""The pixels of a person around a box: MediaPipe selfie segmentation on a square crop."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.detector import check_image
from latent_rag_ros.perception.network import Network
from latent_rag_ros.protection.types import Box, ImageArray, MaskArray

WEIGHTS_NAME = 'selfie_segmentation.onnx.xz'
SIDE_PX = 256
CROP_SCALE = 1.2


class PersonMasker:
    """Segment the persons in a square around a box, on the CPU.

    It may be asked from several threads at once. One call computes on one thread, which for a
    network of so many small operators is the fastest on an idle machine too.

    Parameters
    ----------
    weights : Path
        `WEIGHTS_NAME`, beside a manifest or in the shipped folder.
    score_min : float
        Pixels from this person probability on, 0..1, belong to the mask.
    engine : str
        What runs the network, see `engine.choice`.

    Raises
    ------
    WeightsError
        The weights are missing or damaged.
    """

    def __init__(self, weights: Path, score_min: float, engine: str = 'auto') -> None:
        self._network = Network(weights, ['probability'], engine, threads=1)
        self._score_min = score_min

    def mask(self, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        """Return where the mask lies and the mask.

        The window is the square of 1.2 times the longer side of the box around its centre, clipped
        to the image. Neighbours in the window are segmented as well: the mask says where persons
        are, not whose pixels they are. It may be empty; unite it with the box.

        Parameters
        ----------
        image : ImageArray
            RGB image.
        box : Box
            The person; may reach beyond the image.

        Returns
        -------
        window : Box
            Inside the image; without pixels when the square lies outside.
        mask : MaskArray
            Shape (window.height_px, window.width_px).

        Raises
        ------
        ValueError
            The image is empty or not RGB uint8.
        DetectorError
            The output is not finite.
        """
        check_image(image)
        square = square_around(box)
        window = square.clipped(*image.shape[:2])
        if not (window.width_px and window.height_px):
            return window, np.zeros((window.height_px, window.width_px), bool)
        enlarged = cv2.resize(self.probability(image, box), (square.width_px, square.height_px))
        inside = Box(window.left - square.left, window.top - square.top,
                     window.right - square.left, window.bottom - square.top)
        return window, enlarged[inside.slices] >= self._score_min

    def probability(self, image: ImageArray, box: Box) -> NDArray[np.float32]:
        """Return the person probability, 0..1, of the square around the box: (256, 256).

        The square must share pixels with the image. Raises `DetectorError` like `mask`.
        """
        return self._network.run(network_input(image, box))[0].reshape(SIDE_PX, SIDE_PX)

    def image_probability(self, image: ImageArray) -> NDArray[np.float32]:
        """Return the person probability, 0..1, of the whole image, stretched to (256, 256).

        Raises `ValueError` and `DetectorError` like `mask`.
        """
        check_image(image)
        return self._network.run(_blob(_scaled(image)))[0].reshape(SIDE_PX, SIDE_PX)


def square_around(box: Box) -> Box:
    """Return the square that the network sees of a person: the longer side 1.2 times."""
    side_px = round(CROP_SCALE * max(box.height_px, box.width_px))
    left = (box.left + box.right - side_px) // 2
    top = (box.top + box.bottom - side_px) // 2
    return Box(left, top, left + side_px, top + side_px)


def network_input(image: ImageArray, box: Box) -> NDArray[np.float32]:
    """Return the network's input (1, 3, 256, 256) for a box: RGB 0..1, edges repeated outside."""
    square = square_around(box)
    window = square.clipped(*image.shape[:2])
    crop = cv2.copyMakeBorder(
        image[window.slices], window.top - square.top, square.bottom - window.bottom,
        window.left - square.left, square.right - window.right, cv2.BORDER_REPLICATE)
    return _blob(_scaled(crop))


def _scaled(image: ImageArray) -> ImageArray:
    shrinks = image.shape[0] > SIDE_PX
    return cv2.resize(image, (SIDE_PX, SIDE_PX),
                      interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _blob(image: ImageArray) -> NDArray[np.float32]:
    return cv2.dnn.blobFromImage(image, 1 / 255)
