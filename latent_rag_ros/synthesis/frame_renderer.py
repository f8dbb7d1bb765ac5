"""Whole pictures of several people, with boxes, masks and how much of each person is hidden."""
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
from .rasteriser import empty_buffers, rasterise
from .scene import Actor, render, sample_actor
from .seeds import stream
from .view import View, projected

WIDTH_PX, HEIGHT_PX = 640, 480
SHADOW_PX = 512
PEOPLE_SHARES = (.06, .16, .19, .18, .14, .11, .09, .07)
"""Shares of frames with 0, 1, 2, ... people."""

BESIDE_SHARE, OCCLUDER_SHARE = 0.35, 0.12
APART_M = 0.6
"""People who do not walk side by side keep this distance."""


@dataclass(frozen=True)
class Instance:
    """One person of a frame.

    Parameters
    ----------
    identity : int
        Number of the person.
    visible_box, full_box : NDArray
        Shape (4,): left, top, right, bottom in pixels. The first (int32, right and bottom
        excluded, zeros when nothing is seen) holds what is seen; the second (float32) the whole
        person, behind others and beyond the border too.
    hidden_share : float
        Share of the person's pixels in the picture that something else covers, 0..1.
    """

    identity: int
    visible_box: NDArray[np.int32]
    full_box: Floats
    hidden_share: float


@dataclass(frozen=True)
class RenderedFrame:
    """A picture (480, 640, 3) uint8 RGB, and who is where.

    `owners` (480, 640) uint8 is 0 where nobody is seen, else 1 + the position in `instances`.
    """

    image: NDArray[np.uint8]
    owners: NDArray[np.uint8]
    instances: list[Instance]
    camera: int


def render_frame(seed: int, number: int, people: int, cameras: int) -> RenderedFrame:
    """Return frame `number`: up to seven of the first `people` people before a camera."""
    rng = stream(seed, 'frame', number)
    camera_number = int(rng.integers(cameras))
    camera = sample_camera(seed, camera_number)
    count = min(int(rng.choice(len(PEOPLE_SHARES), p=PEOPLE_SHARES)), people)
    identities = rng.choice(people, count, replace=False)
    actors = _actors([_person(seed, int(identity)) for identity in identities], camera, rng)
    view = camera.view.window(0, 0, WIDTH_PX / camera.width_px)
    radiance, owner = render(camera, view, WIDTH_PX, HEIGHT_PX, actors, SHADOW_PX)
    if rng.random() < OCCLUDER_SHARE:
        add_occluder(radiance, owner, rng)
    image = degraded(developed(radiance, camera.imaging), camera.imaging, rng)
    instances = [_instance(int(identity), actor, view, owner == place)
                 for place, (identity, actor) in enumerate(zip(identities, actors))]
    return RenderedFrame(image, (owner + 1).astype(np.uint8), instances, camera_number)


@functools.lru_cache(maxsize=32)
def _person(seed: int, number: int) -> Person:
    """Return a person; a few are kept for the next frames."""
    return sample_person(seed, number)


def _actors(people: list[Person], camera: Camera, rng: np.random.Generator) -> list[Actor]:
    """Return people placed apart from each other, or side by side."""
    places: list[NDArray[np.float64]] = []
    for _ in people:
        place = camera.sample_place(rng)
        if places and rng.random() < BESIDE_SHARE:
            place = places[-1] + [rng.choice([-1, 1]) * rng.uniform(.4, .7), rng.uniform(-.3, .3)]
        for _ in range(20):
            if all(np.linalg.norm(place - other) > APART_M for other in places):
                break
            place = camera.sample_place(rng)
        places.append(place)
    return [sample_actor(person, camera, rng, place) for person, place in zip(people, places)]


def _instance(identity: int, actor: Actor, view: View, seen: NDArray[np.bool_]) -> Instance:
    """Return the labels of one person who is seen at some pixels (h, w)."""
    alone = empty_buffers(*seen.shape)
    surface = actor.person.surface
    rasterise(projected(actor.vertices, view), surface.faces, surface.coverage, alone)
    whole = np.count_nonzero(alone.face >= 0)
    left, top, width, height = cv2.boundingRect(seen.astype(np.uint8))
    visible = np.count_nonzero(seen)
    return Instance(identity, np.array([left, top, left + width, top + height], np.int32),
                    actor.outline(view), 1 - visible / whole if whole else 1.0)
