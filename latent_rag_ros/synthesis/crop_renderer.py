"""Person crops as a detector cuts them, for re-identification: picture, mask, labels."""
from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera, sample_camera
from .degradation import degraded, developed
from .geometry import Floats
from .occluders import add_occluder
from .person import Person, sample_person
from .scene import Actor, render, sample_actor
from .seeds import stream

HEIGHT_PX, WIDTH_PX = 128, 64
"""Size of every crop."""

SUPERSAMPLING = 1.5
SHADOW_PX = 112
CAMERAS_PER_PERSON = 8
BYSTANDERS = 64
"""People who stand in the way of the labelled ones; they have no label themselves."""

BYSTANDER_SHARE, SECOND_BYSTANDER_SHARE, OCCLUDER_SHARE = 0.26, 0.25, 0.15
INSIDE_MIN = 0.7
"""Boxes of which the picture holds less than this height are not cut at its border."""

NARROWEST = 0.15
"""Nor are boxes that are left with less than this width relative to their height."""

SMALL_SHARE = 0.06
"""Share of a crop below which a person counts as partly hidden."""

VISIBLE_MIN, ATTEMPTS = 0.35, 6
"""Crops that show less of the person than this are drawn again, a few times."""


@dataclass(frozen=True)
class Crop:
    """One crop: RGB uint8 (128, 64, 3), mask bool (128, 64) of the person, camera number."""

    image: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    camera: int


def render_crop(seed: int, person: Person, number: int, crop: int, cameras: int) -> Crop:
    """Return crop `crop` of person `number`, who is seen by a few of `cameras` cameras."""
    rng = stream(seed, 'crop', number, crop)
    seen_by = stream(seed, 'cameras of', number).permutation(cameras)[:CAMERAS_PER_PERSON]
    camera_number = int(seen_by[crop % len(seen_by)])
    camera = _camera(seed, camera_number)
    for _ in range(ATTEMPTS):
        image, mask, visible = _attempt(seed, person, camera, rng)
        if visible >= VISIBLE_MIN:
            break
    return Crop(image, mask, camera_number)


@functools.lru_cache(maxsize=256)
def _camera(seed: int, number: int) -> Camera:
    """Return a camera, built once per process."""
    return sample_camera(seed, number)


@functools.lru_cache(maxsize=BYSTANDERS)
def _bystander(seed: int, number: int) -> Person:
    """Return someone who stands in the way, built once per process."""
    return sample_person(seed, number, 'bystander')


def _attempt(seed: int, person: Person, camera: Camera, rng: np.random.Generator,
             ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], float]:
    """Return picture, mask and the visible share of the person of one random crop."""
    place = camera.sample_place(rng)
    actors = [sample_actor(person, camera, rng, place)]
    if rng.random() < BYSTANDER_SHARE:
        for _ in range(2 if rng.random() < SECOND_BYSTANDER_SHARE else 1):
            actors.append(_neighbour(seed, camera, rng, place))
    outline = actors[0].outline(camera.view)
    left, top, right, bottom = _inside(_loose_box(outline, rng), camera)
    height, whole_height = bottom - top, outline[3] - outline[1]
    if height < INSIDE_MIN * whole_height or right - left < NARROWEST * height:
        left, top, right, bottom = _loose_box(outline, rng)  # as if the camera had looked there
    height = round(HEIGHT_PX * SUPERSAMPLING)
    scale = height / (bottom - top)
    width = int(np.clip(round((right - left) * scale), height // 8, height * 2))
    radiance, owner = render(camera, camera.view.window(left, top, scale), width, height, actors,
                             SHADOW_PX, 1 / SUPERSAMPLING)
    before = np.count_nonzero(owner == 0)
    if rng.random() < OCCLUDER_SHARE:
        add_occluder(radiance, owner, rng)
    mask = (owner == 0).astype(np.uint8) * 255
    native = float(np.clip(bottom - top, 40, height))
    picture = developed(radiance, camera.imaging)
    if native < height * 0.9:
        picture = cv2.resize(picture, (max(12, round(width * native / height)), round(native)),
                             interpolation=cv2.INTER_AREA)
    image = degraded(picture, camera.imaging, rng)
    small = cv2.resize(mask, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return _resized(image), small > 127, _visible_share(owner, before)


def _visible_share(owner: NDArray[np.int32], before: int) -> float:
    """Return how much of a person of `before` pixels the occluders left.

    It is less when bystanders had already left fewer pixels than people usually have in a crop.
    """
    before = max(1, before)
    share = np.count_nonzero(owner == 0) / before
    return share * min(1.0, before / (SMALL_SHARE * owner.size))


def _neighbour(seed: int, camera: Camera, rng: np.random.Generator,
               place_m: NDArray[np.float64]) -> Actor:
    """Return someone beside, before or behind a place."""
    offset = np.array([rng.choice([-1, 1]) * rng.uniform(0.3, 0.9), rng.uniform(-0.9, 0.9)])
    return sample_actor(_bystander(seed, int(rng.integers(BYSTANDERS))), camera, rng,
                        place_m + offset)


def _loose_box(outline: Floats, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom as a detector cuts them: shifted, scaled, now and then cut.

    Half of the boxes have at least the width that detectors trained on standing people prefer.
    """
    left, top, right, bottom = (float(value) for value in outline)
    height = bottom - top
    margin = rng.normal(0.03, 0.035, 4) * height
    left, right = left - 0.6 * margin[0], right + 0.6 * margin[1]
    top, bottom = top - margin[2], bottom + margin[3]
    cut = rng.random()
    if cut < 0.09:
        bottom -= rng.uniform(0.08, 0.35) * height
    elif cut < 0.12:
        top += rng.uniform(0.02, 0.10) * height
    if rng.random() < 0.15:
        shift = rng.normal(0, 0.07, 2) * height
        left, right = left + 0.6 * shift[0], right + 0.6 * shift[0]
        top, bottom = top + shift[1], bottom + shift[1]
    height = bottom - top
    width = max(right - left, 0.2 * height)
    if rng.random() < 0.5:
        width = max(width, rng.uniform(0.36, 0.50) * height)
    centre = (left + right) / 2
    return centre - width / 2, top, centre + width / 2, bottom


def _inside(box: tuple[float, float, float, float], camera: Camera,
            ) -> tuple[float, float, float, float]:
    """Return the part of a box that lies in the camera's picture."""
    return (max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(camera.width_px)),
            min(box[3], float(camera.height_px)))


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an RGB picture at the size of a crop."""
    shrinks = len(image) >= HEIGHT_PX
    return cv2.resize(image, (WIDTH_PX, HEIGHT_PX),
                      interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
