"""NanoDet-g, the shipped person detector.

NanoDet (https://github.com/RangiLyu/nanodet) predicts, for every cell of three grids, class scores
and for each side of the box a distribution over the distances 0..10 strides, whose mean is the
distance (Generalized Focal Loss, Li et al., NeurIPS 2020, eq. 5 and 6).
"""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.engine.parallel import in_parallel
from latent_rag_ros.perception.clusters import clustered
from latent_rag_ros.perception.detector import check_image, checked_detections
from latent_rag_ros.perception.network import Network
from latent_rag_ros.protection.types import Detection, ImageArray

WEIGHTS_NAME = 'nanodet_g.onnx.xz'
SIDE_PX = 416
"""Longer side of a view; the shorter one is padded to the next multiple of the coarsest stride."""

STRIDES_PX = (8, 16, 32)
PERSON = 0  # class index in COCO
PADDING_LEVEL = 114  # near the mean of the training images
MEAN_BGR = np.array([103.53, 116.28, 123.675], np.float32)
DEVIATION_BGR = np.array([57.375, 57.12, 58.395], np.float32)


class NanoDetDetector:
    """Detect persons with NanoDet-g 416 on the CPU. Not thread-safe.

    Parameters
    ----------
    weights : Path
        `WEIGHTS_NAME`, beside a manifest or in the shipped folder.
    score_min : float
        Detections below this score, 0..1, are left out.
    overlap_max : float
        Boxes with a larger intersection over union are one person.
    views : int
        2 looks at the image twice, with its aspect kept and stretched to the square the network
        sees: each view finds people that the other one misses. 1 leaves the stretched one out.
    network : Network, optional
        The loaded network of another detector with the same weights, to share its memory.
    second_every : int
        The stretched view is looked at in every so many images; 1 in each of them.
    engine : str
        What runs the network, see `engine.choice`.
    only_stretched : bool
        Leave the view with its aspect out instead: what `views` 1 does not look at.

    Raises
    ------
    WeightsError
        The weights are missing or damaged.
    """

    def __init__(self, weights: Path, score_min: float, overlap_max: float,
                 views: int = 2, network: Network | None = None, second_every: int = 1,
                 engine: str = 'auto', only_stretched: bool = False) -> None:
        self.network = network or Network(weights, [
            f'{kind}_{stride}' for stride in STRIDES_PX for kind in ('scores', 'sides')],
            engine, any_size=True)
        self._score_min, self._overlap_max = score_min, overlap_max
        self._views, self._second_every, self._images = views, second_every, 0
        self._only_stretched = only_stretched

    def reset(self) -> None:
        """Look at both views of the next image; see `Resettable`."""
        self._images = 0

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the persons of an RGB image, best first; see `PersonDetector.detect`."""
        check_image(image)
        height_px, width_px = image.shape[:2]
        views = in_parallel(lambda size: self._view(image, *size),
                            self._view_sizes(height_px, width_px))
        scores, boxes = (np.concatenate(parts) for parts in zip(*views))
        kept, extents = clustered(boxes, scores, self._overlap_max)
        return checked_detections(boxes[kept], scores[kept], height_px, width_px, extents)

    def _view_sizes(self, height_px: int, width_px: int) -> list[tuple[int, int]]:
        """Return height and width of the views that are due now."""
        if self._only_stretched:
            return [(SIDE_PX, SIDE_PX)]
        scale = SIDE_PX / max(height_px, width_px)
        sizes = [(max(1, round(height_px * scale)), max(1, round(width_px * scale)))]
        has_second = height_px != width_px and self._views > 1
        if has_second and self._images % self._second_every == 0:
            sizes.append((SIDE_PX, SIDE_PX))
        self._images += 1
        return sizes

    def _view(self, image: ImageArray, view_height_px: int, view_width_px: int,
              ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return scores (m,) and boxes (m, 4), in pixels of the image, found in one view."""
        blob = network_input(image, view_height_px, view_width_px)
        outputs = self.network.run(blob)
        found = [decoded(scores[0], sides[0], stride, self._score_min, blob.shape[3])
                 for scores, sides, stride in zip(outputs[::2], outputs[1::2], STRIDES_PX)]
        scores, boxes = (np.concatenate(parts) for parts in zip(*found))
        scale = [image.shape[1] / view_width_px, image.shape[0] / view_height_px]
        return scores, boxes * np.tile(scale, 2)


def decoded(scores: NDArray[np.float32], sides: NDArray[np.float32], stride_px: int,
            score_min: float, width_px: int = SIDE_PX,
            ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return person scores (m,) and boxes (m, 4), in pixels of the network's input, of one grid.

    Parameters
    ----------
    scores : NDArray
        Shape (cells, classes), 0..1, cells in row-major order.
    sides : NDArray
        Shape (cells, 4 * 11): for left, top, right, bottom the logits of distances 0..10.
    stride_px : int
        Width and height of a cell.
    score_min : float
        Cells with a lower person score are left out.
    width_px : int
        Width of the network's input.
    """
    cells = np.flatnonzero(scores[:, PERSON] >= score_min)
    rows, columns = np.divmod(cells, width_px // stride_px)
    centres = (np.stack([columns, rows], axis=1) + 0.5) * stride_px          # (m, 2)
    logits = sides[cells].astype(np.float64)
    logits = logits.reshape(len(cells), 4, sides.shape[1] // 4)               # (m, 4, 11)
    weights = np.exp(logits - logits.max(axis=2, keepdims=True))
    weights /= weights.sum(axis=2, keepdims=True)
    distances = weights @ np.arange(logits.shape[2]) * stride_px              # (m, 4)
    boxes = np.hstack([centres - distances[:, :2], centres + distances[:, 2:]])
    return scores[cells, PERSON].astype(np.float64), boxes


def network_input(image: ImageArray, height_px: int = SIDE_PX,
                  width_px: int = SIDE_PX) -> NDArray[np.float32]:
    """Return the network's input (1, 3, h, w): BGR, normalised.

    The image is scaled to the given size, at most 416 x 416, and put into the top left corner of
    the smallest input that the network takes; the rest is grey.
    """
    step_px = STRIDES_PX[-1]
    padded = np.full((-(-height_px // step_px) * step_px, -(-width_px // step_px) * step_px, 3),
                     PADDING_LEVEL, np.uint8)
    padded[:height_px, :width_px] = cv2.resize(image, (width_px, height_px))
    blob = cv2.dnn.blobFromImage(padded, swapRB=True)
    blob -= MEAN_BGR[:, None, None]
    blob /= DEVIATION_BGR[:, None, None]
    return blob
