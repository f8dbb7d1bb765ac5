"""Pictures of faces with exact labels: pose, gaze, expression, landmarks and regions."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .degradation import degraded, developed, sample_imaging
from .face_pose import FacePose, sample_face_pose
from .geometry import Floats
from .head import Head
from .head_landmarks import landmark_points
from .head_layers import HeadPainter
from .light import Light, sample_light
from .panoramas import panorama, panorama_names
from .seeds import stream
from .view import View, projected

SIDE_PX, SUPERSAMPLING = 128, 1.5
FRAME_M = 0.265
"""Side of the picture at the distance of the face, before it varies."""

NATIVE_PX = (26.0, 190.0)
"""Least and largest side of the picture as the camera saw it; small ones are enlarged."""

FRONT_LIGHT_SHARE, SHARP_SHARE = 0.6, 0.45


@dataclass(frozen=True)
class FacePicture:
    """One picture of a face.

    Parameters
    ----------
    image : NDArray
        Shape (128, 128, 3), uint8, RGB.
    regions : NDArray
        Shape (128, 128), uint8, see `head_layers.BACKGROUND` and the names after it.
    landmarks : NDArray
        Shape (k, 2), float32: x and y in pixels, the centre of the first pixel at (0, 0), ordered
        as `head_landmarks.LANDMARK_NAMES`; hidden ones are given as well.
    pose : FacePose
    native_px : float
        Side of the picture as the camera saw it.
    """

    image: NDArray[np.uint8]
    regions: NDArray[np.uint8]
    landmarks: Floats
    pose: FacePose
    native_px: float


def render_face(seed: int, head: Head, number: int, picture: int) -> FacePicture:
    """Return picture `picture` of head `number` of a seed; equal arguments give equal pixels."""
    rng = stream(seed, 'face', number, picture)
    pose = sample_face_pose(rng)
    night = rng.random() < .10
    light = _front_light(rng, sample_light(rng, rng.random() < .55, night))
    imaging = sample_imaging(rng, night, light)
    side = round(SIDE_PX * SUPERSAMPLING)
    view = _sample_view(rng, side)
    painter = HeadPainter(head, pose, view, light, _background(rng, light, side))
    low, high = np.log(NATIVE_PX)
    native = float(np.exp(rng.uniform(low, high)))
    if rng.random() < SHARP_SHARE:
        native = max(native, SIDE_PX)
    shown = developed(painter.picture, imaging)
    size = min(side, round(native))
    shown = cv2.resize(shown, (size, size), interpolation=cv2.INTER_AREA)
    image = degraded(shown, imaging, rng)
    image = cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA
                       if size > SIDE_PX else cv2.INTER_CUBIC)
    regions = cv2.resize(painter.regions, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_NEAREST)
    landmarks = projected(landmark_points(painter.points), view)[:, :2] / SUPERSAMPLING - .5
    return FacePicture(np.ascontiguousarray(image), regions, landmarks.astype(np.float32), pose,
                       float(size))


def _front_light(rng: np.random.Generator, light: Light) -> Light:
    """Return the light, more often from the camera's side than from behind the head."""
    direction = light.direction
    if direction[1] > 0 and rng.random() < FRONT_LIGHT_SHARE:
        return light._replace(direction=direction * np.array([1, -1, 1]))
    return light


def _sample_view(rng: np.random.Generator, side: int) -> View:
    """Draw a camera that faces the head, framed as a detector's box grown for the hair."""
    distance = float(np.exp(rng.uniform(np.log(.5), np.log(3.0))))
    frame = FRAME_M * rng.uniform(.88, 1.14)
    shift = rng.normal(0, .022, 2)
    rotation = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    focal = side * distance / frame
    return View(rotation, np.array([0, -distance, 0.0]), focal,
                side * (.5 + shift[0]), side * (.46 + shift[1]))


def _background(rng: np.random.Generator, light: Light, side: int) -> Floats:
    """Return surroundings (side, side, 3) out of focus, as bright as the light."""
    names = panorama_names()
    picture = panorama(str(names[rng.integers(len(names))]))
    height = int(rng.uniform(50, 150))
    top = int(rng.uniform(40, 256 - height - 20))
    left = int(rng.uniform(0, 512 - height))
    window = cv2.resize(picture[top:top + height, left:left + height], (side, side),
                        interpolation=cv2.INTER_LINEAR)
    window = cv2.GaussianBlur(window, (0, 0), rng.uniform(1.5, 9))
    level = float(light.sky.mean() + .3 * light.sun.mean()) * rng.uniform(.4, 1.4)
    return (np.clip(window, 0, 4) * np.float32(level)).astype(np.float32)
