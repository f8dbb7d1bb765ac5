"""A person detector that the user brought, as ONNX.

It is a `PersonDetector` like NanoDetDetector and takes its place: the families differ only in
how a picture gets into the network's square and how persons get out of its output, which the
files `decode_*` say, one each. To add a family, write such a file and name it in `FORMATS`.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception import (
    decode_detr, decode_nanodet, decode_ultralytics, decode_yolox)
from latent_rag_ros.perception.detector import DetectorError, check_image, checked_detections
from latent_rag_ros.perception.detector_format import (
    DetectorFormat, Found, LayoutError, Outputs, Query, shapes_of)
from latent_rag_ros.protection.types import Detection, ImageArray
from latent_rag_ros.weights.normalisation import NORMALISATIONS
from latent_rag_ros.weights.onnx_network import OnnxNetwork
from latent_rag_ros.weights.registry import WeightsError

# the most particular layout first: `auto` takes the first that fits
FORMATS = {'detr': decode_detr.FORMAT, 'nanodet': decode_nanodet.FORMAT,
           'yolox': decode_yolox.FORMAT, 'ultralytics': decode_ultralytics.FORMAT}

DEFAULT_SIDE_PX, PADDING_LEVEL = 640, 114
SIZE_INPUT = 'orig_target_sizes'
"""Second input of RT-DETR and D-FINE: width and height that boxes are to be given in."""

SCORE_SLACK = 1e-3
"""A score this far outside 0..1 is the rounding of the network; it is clipped."""


@dataclass(frozen=True)
class DetectorSettings:
    """How to run a detector; see `detector.*` in the table of parameters."""

    score_min: float
    overlap_max: float
    format: str = 'auto'
    person_class: int = -1
    input_px: int = 0
    normalisation: str = 'auto'


@dataclass(frozen=True)
class _Placed:
    """A picture in the network's square: scale (x, y) and offset (x, y) from picture to square."""

    square: NDArray[np.uint8]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]


class OnnxDetector:
    """Detect persons with an ONNX network on the CPU. Not thread-safe.

    Parameters
    ----------
    path : Path
        The ONNX file.
    settings : DetectorSettings
        Its format and limits.

    Raises
    ------
    WeightsError
        ONNX Runtime is not installed, the file is unusable, or its outputs have another layout
        than the format. Names the shapes found and expected.
    """

    def __init__(self, path: Path, settings: DetectorSettings) -> None:
        self._network, self._settings = OnnxNetwork(path), settings
        height_px, width_px = (size or settings.input_px or DEFAULT_SIDE_PX
                               for size in self._network.image_shape[2:])
        self._query = Query(height_px, width_px, settings.score_min, settings.person_class)
        self._check_inputs()
        grey = np.zeros((1, 3, height_px, width_px), np.float32)
        try:
            self.format, self._format = self._chosen(self._run(grey))
            self._format.decode(self._run(grey), self._query)
        except (RuntimeError, LayoutError) as error:
            raise WeightsError(f'detector.model {path} with detector.format {settings.format}: '
                               f'{error}') from error
        self._mean, self._deviation = self._normalisation()

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the persons of an RGB image, best first; see `PersonDetector.detect`."""
        check_image(image)
        placed = self._placed(image)
        pixels = placed.square.astype(np.float32) / 255
        normalised = (pixels - self._mean) / self._deviation
        if self._format.colour_order == 'bgr':
            normalised = normalised[:, :, ::-1]
        try:
            found = self._format.decode(self._run(normalised.transpose(2, 0, 1)[np.newaxis]),
                                        self._query)
        except (RuntimeError, LayoutError) as error:
            raise DetectorError(f'network failed: {error}') from error
        return self._detections(found, placed, image)

    def _run(self, pixels: NDArray[np.float32]) -> Outputs:
        """Return the outputs; raises `RuntimeError` when it fails or they are not finite."""
        size = np.array([[self._query.width_px, self._query.height_px]])
        others = {name: size for name in self._network.inputs if name == SIZE_INPUT}
        outputs = self._network.run(np.ascontiguousarray(pixels, np.float32), others)
        if not all(np.isfinite(value).all() for value in outputs.values()):
            raise RuntimeError('network output is not finite; check the weights')
        return outputs

    def _check_inputs(self) -> None:
        known = {self._network.image_name, SIZE_INPUT}
        unknown = sorted(set(self._network.inputs) - known)
        if unknown or self._network.image_shape[0] not in (None, 1):
            raise WeightsError(
                f'detector.model {self._network.path} wants the inputs '
                f'{", ".join(self._network.inputs)} with a batch of '
                f'{self._network.image_shape[0] or "any size"}; export it for one image, with no '
                f'other input than {SIZE_INPUT}')

    def _chosen(self, outputs: Outputs) -> tuple[str, DetectorFormat]:
        """Return the format by name, or the first one that fits the outputs."""
        wanted = self._settings.format
        if wanted != 'auto':
            return wanted, FORMATS[wanted]
        size_px = self._query.height_px, self._query.width_px
        for name, candidate in FORMATS.items():
            if candidate.fits(outputs, *size_px):
                return name, candidate
        raise LayoutError(f'the outputs are {shapes_of(outputs)}, which no known format has; '
                          f'known are {", ".join(FORMATS)}, see docs/bring_your_own.md')

    def _normalisation(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return mean and deviation of red, green and blue."""
        name = self._settings.normalisation
        if name == 'auto':
            # of the transformers only RF-DETR was trained on ImageNet's scale; it says `dets`
            is_rf_detr = 'dets' in self._network.output_names
            name = 'imagenet' if is_rf_detr else self._format.normalisation
        mean, deviation = NORMALISATIONS[name]
        return np.array(mean, np.float32), np.array(deviation, np.float32)

    def _placed(self, image: ImageArray) -> _Placed:
        """Put an image into the network's square, as the format wants it."""
        size = np.array([self._query.width_px, self._query.height_px])
        picture = np.array(image.shape[1::-1])
        if self._format.placement == 'stretch':
            return _Placed(cv2.resize(image, size.tolist()), size / picture, np.zeros(2))
        inner = np.maximum(1, np.round(picture * (size / picture).min())).astype(int)
        offset = (size - inner) // 2 if self._format.placement == 'centre' else np.zeros(2, int)
        square = np.full((size[1], size[0], 3), PADDING_LEVEL, np.uint8)
        square[offset[1]:offset[1] + inner[1], offset[0]:offset[0] + inner[0]] = cv2.resize(
            image, inner.tolist())
        return _Placed(square, inner / picture, offset.astype(np.float64))

    def _detections(self, found: Found, placed: _Placed, image: ImageArray) -> list[Detection]:
        """Return persons in pixels of the image, without duplicates, best first."""
        scores = found.scores
        near = (scores > -SCORE_SLACK) & (scores < 1 + SCORE_SLACK)
        scores = np.where(near, scores.clip(0, 1), scores)
        boxes = (found.boxes - np.tile(placed.offset, 2)) / np.tile(placed.scale, 2)
        if len(boxes) and np.isfinite(boxes).all():
            sizes = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
            kept = np.asarray(cv2.dnn.NMSBoxes(sizes.tolist(), scores.tolist(), 0.0,
                                               self._settings.overlap_max), np.intp).ravel()
            boxes, scores = boxes[kept], scores[kept]
        return checked_detections(boxes, scores, *image.shape[:2])
