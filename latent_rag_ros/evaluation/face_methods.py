"""What is done to a face: the method in several step counts, and what people use instead.

Every baseline changes exactly the pixels that the method changes, blended in by the same opacity.
"""
from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.face_sets import FaceSet
from latent_rag_ros.identity_decoupling.face_folders import FaceSettings, load_face_replacer
from latent_rag_ros.identity_decoupling.face_generator import ATTRIBUTE_NOISE, STUDENT_STEPS
from latent_rag_ros.identity_decoupling.face_replacer import FaceReplacer
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX
from latent_rag_ros.identity_decoupling.face_square import cut, face_square, points_in, scaled
from latent_rag_ros.identity_decoupling.head_blend import head_opacity, inserted
from latent_rag_ros.protection.types import Box, ImageArray, MaskArray

BLUR_SIGMA_PER_SIDE, BLOCKS, JPEG_QUALITY = 1 / 12, 8, 80
SOLID_LEVEL = 128
KEY = b'the key of the evaluation of faces'
"""Fixed, so that figures repeat; a robot draws its own."""

TEACHER_STEPS = 50
HEADLINE = f'lcm_{STUDENT_STEPS}'
"""What the filter does unless it is told otherwise."""

OTHER_STEPS = tuple(f'lcm_{steps}' for steps in (1, 2, 4) if steps != STUDENT_STEPS)
NOISES = (0.0, 2.0, 4.0, 8.0)
TEACHER = 'teacher'
METHODS = (HEADLINE, *OTHER_STEPS, TEACHER, *(f'{HEADLINE}_noise_{noise:g}' for noise in NOISES
                                              if noise != ATTRIBUTE_NOISE))
"""`lcm_N`: the student in N steps; with the filter's noise on attributes, or another one."""

BASELINES = ('blur', 'pixelate', 'solid', 'nearest_swap')
FLOORS = ('jpeg', 'resampled')
"""The original face through a codec, which is what it costs merely to measure twice, and at the
size that the networks draw: no replacement of this size can keep more."""

COUNTERPARTS = ('other_head', 'other_head_reshaped')
"""What a perfect generator would draw, from the renderer itself: another head in the same scene,
as it is, and with its landmarks where the original's are. So much can be kept of a face that is
really replaced, and so much of it is still known."""


@dataclass(frozen=True)
class Shown:
    """A picture after a method.

    Parameters
    ----------
    image : ImageArray or None
        The whole picture; None where the filter would cover the face by a solid fill.
    steps : int
        Gradient steps against the oracles.
    """

    image: ImageArray | None
    steps: int = 0


Method = Callable[[int], Shown]
"""Row of a face in its set to the picture that is shown."""


def method_of(name: str, faces: FaceSet, weights: Path, networks: Path, device: str) -> Method:
    """Return a method by its name; raises `WeightsError` when it cannot be loaded."""
    if name in METHODS:
        replacer = replacer_of(name, weights, networks, device)
        return lambda row: _replaced(replacer, faces, row)
    if name == 'nearest_swap':
        nearest = _nearest_others(faces)
        return lambda row: Shown(_pasted(faces, row, _sized(faces, int(nearest[row]), row)))
    if name in COUNTERPARTS:
        return functools.partial(_counterpart, faces, COUNTERPARTS.index(name))
    filters = {'jpeg': _reencoded, 'resampled': _resampled, 'blur': _blurred,
               'pixelate': _pixelated, 'solid': lambda pixels: np.full_like(pixels, SOLID_LEVEL)}
    return lambda row: Shown(_pasted(faces, row, filters[name](_cut_out(faces, row)[1])))


def replacer_of(name: str, weights: Path, networks: Path, device: str) -> FaceReplacer:
    """Return the replacer of one of `METHODS`."""
    steps, _, noise = name.removeprefix('lcm_').partition('_noise_')
    settings = (FaceSettings(TEACHER, TEACHER_STEPS) if name == TEACHER else FaceSettings(
        'student', int(steps), attribute_noise=float(noise) if noise else ATTRIBUTE_NOISE))
    return load_face_replacer(weights, networks, settings, device, KEY)


def changed_region(image: ImageArray, square: Box) -> MaskArray:
    """Return the pixels (h, w) of an image that a method may change."""
    region = np.zeros(image.shape[:2], bool)
    inside = square.clipped(*image.shape[:2])
    region[inside.slices] = (head_opacity(square.width_px) > 0)[
        inside.moved(-square.left, -square.top).slices]
    return region


def _replaced(replacer: FaceReplacer, faces: FaceSet, row: int) -> Shown:
    look = faces.looks[row]
    # a track of its own for every face, as somebody who is met anew
    found = replacer.replace(look.image, look.found.landmarks, row)
    image = None if found.pixels is None else found.shown_in(look.image)
    return Shown(image, found.record.steps)


def _cut_out(faces: FaceSet, row: int) -> tuple[Box, ImageArray]:
    look = faces.looks[row]
    square = face_square(look.found.landmarks)
    return square, cut(look.image, square)


def _pasted(faces: FaceSet, row: int, pixels: ImageArray) -> ImageArray:
    """Return the picture of a face with other pixels in its square."""
    look = faces.looks[row]
    return inserted(look.image, face_square(look.found.landmarks), pixels)


def _counterpart(faces: FaceSet, kind: int, row: int) -> Shown:
    """Return the picture of a face with the head of its counterpart."""
    look = faces.looks[row]
    square = face_square(look.found.landmarks)
    return Shown(_pasted(faces, row, cut(look.counterparts[kind], square)))


def _blurred(pixels: ImageArray) -> ImageArray:
    return cv2.GaussianBlur(pixels, (0, 0), BLUR_SIGMA_PER_SIDE * pixels.shape[0])


def _pixelated(pixels: ImageArray) -> ImageArray:
    small = cv2.resize(pixels, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, pixels.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _resampled(pixels: ImageArray) -> ImageArray:
    return scaled(scaled(pixels, SIDE_PX), pixels.shape[0])


def _reencoded(pixels: ImageArray) -> ImageArray:
    _, data = cv2.imencode('.jpg', np.ascontiguousarray(pixels[..., ::-1]),
                           [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def _nearest_others(faces: FaceSet) -> NDArray[np.int64]:
    """Return for every face (n,) the row of somebody else's whose landmarks lie most alike."""
    shapes = np.stack([points_in(look.found.landmarks, face_square(look.found.landmarks), 100)
                       for look in faces.looks]).reshape(len(faces.looks), -1)
    distances = np.linalg.norm(shapes[:, None] - shapes, axis=2)
    distances[faces.identities[:, None] == faces.identities] = np.inf
    return distances.argmin(1)


def _sized(faces: FaceSet, source: int, row: int) -> ImageArray:
    """Return the square of one face at the size of that of another."""
    side_px = face_square(faces.looks[row].found.landmarks).width_px
    return scaled(_cut_out(faces, source)[1], side_px)
