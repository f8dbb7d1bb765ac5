"""What independent networks say of a face in a picture: who it is, where its parts are, its mood.

Everything is asked at the place of the original face, whatever a method has left of it.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.face_attribute_networks import (
    LANDMARKS, SIDE_PX, load_attribute_network)
from latent_rag_ros.evaluation.face_sets import FaceLook
from latent_rag_ros.evaluation.gaze_instrument import GazeInstrument
from latent_rag_ros.evaluation.gaze_reader import Reading
from latent_rag_ros.identity_decoupling.face_folders import THRESHOLDS
from latent_rag_ros.identity_decoupling.face_square import cut, scaled
from latent_rag_ros.identity_decoupling.oracles.calibration import load_thresholds
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS
from latent_rag_ros.identity_decoupling.oracles.oracle import load_oracle
from latent_rag_ros.perception.center_face import CenterFaceDetector
from latent_rag_ros.protection.types import Box, ImageArray

Measured = dict[str, NDArray[np.float32]]
"""`<oracle>`: unit feature (d,); `points`: 68 landmarks (68, 2) in the picture; `expression`: 7
scores; `found`: whether CenterFace sees a face there, and `five`: its landmarks (5, 2) or NaN;
`gaze`: see `gaze_reader.Reading`, NaN where there is no reader."""

OVERLAP_MIN = 0.3
"""Intersection over union from which a detection is the face that was measured before."""


class FaceMeter:
    """Measures faces. Not thread-safe.

    Parameters
    ----------
    networks : Path
        Folder of `scripts/convert_face_networks.py`, with `thresholds.json`.
    detector : CenterFaceDetector
        Looks for the face around its place.
    device : str
        `cpu` or `cuda:N`.
    gaze : GazeInstrument, optional
        Reads where faces look.

    Raises
    ------
    WeightsError
        A network or the thresholds are missing.
    """

    def __init__(self, networks: Path, detector: CenterFaceDetector, device: str = 'cpu',
                 gaze: GazeInstrument | None = None) -> None:
        self.thresholds = load_thresholds(networks / THRESHOLDS)
        self._oracles = [load_oracle(name, networks, self.thresholds, device) for name in FORMATS]
        self._landmarks = load_attribute_network('landmarks', networks)
        self._expressions = load_attribute_network('expressions', networks)
        self._detector, self._device, self.gaze = detector, device, gaze

    @torch.no_grad()
    def measured(self, image: ImageArray, look: FaceLook) -> Measured:
        """Return what the networks say of a picture (h, w, 3) at the place of a face."""
        square = _squared(look.found.box)
        pixels = torch.from_numpy(scaled(cut(image, square), SIDE_PX))
        face = pixels.permute(2, 0, 1)[None].float() / 255
        points = self._landmarks(face).view(LANDMARKS, 2).numpy() * square.width_px
        result = {'points': points + np.float32([square.left - 0.5, square.top - 0.5]),
                  'expression': self._expressions(face)[0].numpy(),
                  'gaze': self._gaze(image, look)}
        return result | self._features(image, look) | self._detected(image, look)

    def _gaze(self, image: ImageArray, look: FaceLook) -> Reading:
        if self.gaze is None:
            return np.full(4, np.nan, np.float32)
        return self.gaze.reader.read(image, look.found.landmarks)

    def _features(self, image: ImageArray, look: FaceLook) -> Measured:
        picture = torch.from_numpy(image).permute(2, 0, 1)[None].float().to(self._device) / 255
        landmarks = torch.from_numpy(look.found.landmarks)[None]
        return {oracle.name: oracle.features(picture, landmarks)[0].cpu().numpy()
                for oracle in self._oracles}

    def _detected(self, image: ImageArray, look: FaceLook) -> Measured:
        square = _squared(look.found.box)
        around = square.grown(square.width_px)
        for face in self._detector.detect(cut(image, around)):
            if _overlap(face.box.moved(around.left, around.top), look.found.box) >= OVERLAP_MIN:
                corner = np.float32([around.left, around.top])
                return {'found': np.float32([1]), 'five': face.landmarks + corner}
        return {'found': np.float32([0]), 'five': np.full((5, 2), np.nan, np.float32)}


def unmeasured(like: Measured) -> Measured:
    """Return NaN for everything: a face that is not shown."""
    return {name: np.full_like(values, np.nan) for name, values in like.items()}


def _squared(box: Box) -> Box:
    """Return the square of the longer side around the middle of a box."""
    side = max(box.width_px, box.height_px)
    left = box.left - (side - box.width_px) // 2
    top = box.top - (side - box.height_px) // 2
    return Box(left, top, left + side, top + side)


def _overlap(one: Box, other: Box) -> float:
    common = one.clipped_to(other)
    area = max(0, common.width_px) * max(0, common.height_px)
    total = one.width_px * one.height_px + other.width_px * other.height_px - area
    return area / max(total, 1)
