"""Everything behind the people: ground, walls, clutter and sky, or a panorama (numba kernel)."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import colours
from .geometry import Floats
from .light import Light, ShadowMap, sunlit
from .noise import fractal_noise, fraction
from .surfaces import (
    BRICK, FACADE, FOLIAGE, INDOOR_GROUNDS, OUTDOOR_GROUNDS, PANELS, PLASTER, SHELVES,
    ground_arrays, surface_colour)
from .view import View

FAR_M = 60.0
BOX = np.dtype([('centre', 'f8', 3), ('half', 'f8', 3), ('cosine', 'f8'), ('sine', 'f8'),
                ('kind', 'i8'), ('first', 'f8', 3), ('second', 'f8', 3), ('seed', 'f8')])
"""A wall, car or bush: a box that stands on the ground, turned about the vertical."""


class Surroundings(NamedTuple):
    """Ground (kind, seed and two colours (3,)), boxes, and a panorama turned by `yaw` radians.

    A panorama of one pixel is none: then ground and sky are procedural.
    """

    ground_kind: int
    ground_seed: float
    ground_first: NDArray[np.float64]
    ground_second: NDArray[np.float64]
    boxes: NDArray[np.void]
    panorama: Floats
    yaw: float


def sample_surroundings(rng: np.random.Generator, indoor: bool, panorama: Floats) -> Surroundings:
    """Draw a street or a room; with a panorama, only some clutter stands in it."""
    photographed = len(panorama) > 1
    name = str(rng.choice(INDOOR_GROUNDS if indoor else OUTDOOR_GROUNDS))
    kind, first, second = ground_arrays(name, rng)
    boxes = [_wall(rng, indoor) for _ in range(rng.integers(1, 6))]
    boxes += [_clutter(rng) for _ in range(rng.integers(0, 9))]
    if indoor:
        boxes.append(_box(rng, [0, 22, 2], [30, 0.2, 3.5], 0, int(rng.choice([PLASTER, SHELVES,
                                                                            PANELS]))))
    if photographed:
        boxes = [box for box in boxes if rng.random() < 0.25]
    stacked = np.zeros(len(boxes), BOX)
    for row, box in enumerate(boxes):
        stacked[row] = box
    return Surroundings(kind, rng.uniform(0, 50), first, second, stacked, panorama,
                        rng.uniform(0, 2 * np.pi))


def _paint(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the colour of a built thing: mostly grey and dull."""
    strong = rng.random() < 0.12
    return colours.linear(rng.random(), rng.uniform(.4, .9) if strong else rng.uniform(0, .14),
                          rng.uniform(.2, .92))


def _box(rng: np.random.Generator, centre: list[float], half: list[float], yaw: float,
         kind: int) -> NDArray[np.void]:
    """Return one box with two colours that suit its kind."""
    box = np.zeros((), BOX)
    box['centre'], box['half'] = centre, half
    box['cosine'], box['sine'] = math.cos(yaw), math.sin(yaw)
    box['kind'], box['seed'] = kind, rng.uniform(0, 40)
    box['first'], box['second'] = _paint(rng), _paint(rng)
    if kind == FOLIAGE:
        box['first'] = (.01, .03, .008)
        box['second'] = np.array([.2, .3, .09]) * rng.uniform(0.6, 1.2)
    if kind == BRICK:
        box['first'] = np.array([.22, .10, .07]) * rng.uniform(0.6, 1.6)
        box['second'] = np.array([.30, .28, .26])
    return box


def _wall(rng: np.random.Generator, indoor: bool) -> NDArray[np.void]:
    """Draw a wall or building; the camera looks along +y."""
    distance = rng.uniform(7, 16) if indoor else rng.uniform(9, 25)
    side = int(rng.choice([-1, 0, 1], p=[0.3, 0.4, 0.3]))
    half = [rng.uniform(3, 12), rng.uniform(.2, 3),
            rng.uniform(1.2, 2) if indoor else rng.uniform(1.5, 8)]
    across = side * rng.uniform(5, 14) if side else rng.uniform(-6, 6)
    yaw = rng.normal(0, 0.25) + (np.pi / 2 if side and rng.random() < 0.6 else 0)
    kinds = [PLASTER, SHELVES, PANELS, BRICK, FACADE] if indoor else [
        BRICK, FACADE, PLASTER, PANELS, FOLIAGE, FOLIAGE]
    return _box(rng, [across, distance + half[1], half[2]], half, yaw, int(rng.choice(kinds)))


def _clutter(rng: np.random.Generator) -> NDArray[np.void]:
    """Draw a pole, bench, car or bush."""
    height = rng.uniform(0.2, 1.3)
    half = [rng.uniform(0.05, 1.2), rng.uniform(0.05, 0.9), height]
    if rng.random() < 0.3:
        half = [0.06, 0.06, rng.uniform(1, 3)]
    return _box(rng, [rng.uniform(-9, 9), rng.uniform(6, 18), half[2]], half,
                rng.uniform(0, np.pi), int(rng.choice([PLASTER, PANELS, FOLIAGE])))


@njit(cache=True, error_model='numpy')
def _nearest_box(boxes: NDArray, origin: NDArray, ray: NDArray, nearest: float, hit: NDArray,
                 ) -> int:
    """Return the first box a ray meets before `nearest`, or -1.

    Writes distance, the two surface coordinates and the normal into `hit` (6,).
    """
    found = -1
    local, step = np.empty(3), np.empty(3)
    for number in range(len(boxes)):
        box = boxes[number]
        dx, dy = origin[0] - box.centre[0], origin[1] - box.centre[1]
        local[0] = dx * box.cosine + dy * box.sine
        local[1] = dy * box.cosine - dx * box.sine
        local[2] = origin[2] - box.centre[2]
        step[0] = ray[0] * box.cosine + ray[1] * box.sine
        step[1] = ray[1] * box.cosine - ray[0] * box.sine
        step[2] = ray[2]
        enter, leave, axis = -1e9, 1e9, 0
        for i in range(3):
            if abs(step[i]) < 1e-9:
                if abs(local[i]) > box.half[i]:
                    leave = -1e9
                continue
            one = (-box.half[i] - local[i]) / step[i]
            two = (box.half[i] - local[i]) / step[i]
            if min(one, two) > enter:
                enter, axis = min(one, two), i
            leave = min(leave, max(one, two))
        if enter >= leave or enter < 0.05 or enter >= nearest:
            continue
        nearest, found = enter, number
        side = -1.0 if step[axis] > 0 else 1.0
        height = local[2] + enter * step[2] + box.centre[2]
        hit[0] = enter
        hit[1] = local[0] + enter * step[0] if axis != 0 else local[1] + enter * step[1]
        hit[2] = local[1] + enter * step[1] if axis == 2 else height
        hit[3] = side * (box.cosine if axis == 0 else (-box.sine if axis == 1 else 0.0))
        hit[4] = side * (box.sine if axis == 0 else (box.cosine if axis == 1 else 0.0))
        hit[5] = side if axis == 2 else 0.0
    return found


@njit(cache=True, error_model='numpy')
def _panorama_colour(surroundings: Surroundings, x: float, y: float, z: float, colour: NDArray,
                     ) -> None:
    """Write the panorama's colour (3,) in a direction, bilinearly interpolated."""
    panorama = surroundings.panorama
    height, width = panorama.shape[0], panorama.shape[1]
    elevation = math.asin(z / math.sqrt(x * x + y * y + z * z))
    u = fraction((math.atan2(x, y) + surroundings.yaw) / (2 * math.pi)) * width
    v = min(height - 1.001, max(0.0, (0.5 - elevation / math.pi) * height))
    left, top = int(u), int(v)
    u, v = u - left, v - top
    right, left = (left + 1) % width, left % width
    for i in range(3):
        colour[i] = ((panorama[top, left, i] * (1 - u) + panorama[top, right, i] * u) * (1 - v)
                     + (panorama[top + 1, left, i] * (1 - u)
                        + panorama[top + 1, right, i] * u) * v)


@njit(cache=True, error_model='numpy')
def _lit(colour: NDArray, normal: NDArray, light: Light, sun: float, distance: float) -> None:
    """Light a matt surface colour (3,) and veil it with distance."""
    towards = max(0.0, normal[0] * light.direction[0] + normal[1] * light.direction[1]
                  + normal[2] * light.direction[2]) * sun
    up = 0.5 + 0.5 * normal[2]
    veil = 1 - math.exp(-distance * 0.006)
    for i in range(3):
        ambient = light.ground[i] * (1 - up) + light.sky[i] * up
        colour[i] = (colour[i] * (ambient + light.sun[i] * towards) * (1 - veil)
                     + veil * light.sky[i] * 0.9)


@njit(cache=True, error_model='numpy')
def _ground_colour(surroundings: Surroundings, light: Light, shadows: ShadowMap, x: float,
                   y: float, distance: float, colour: NDArray) -> None:
    """Write the colour (3,) of a lit or shadowed point of the ground."""
    sun = sunlit(shadows, x, y, 0.0, 1.5)
    if len(surroundings.panorama) > 1:
        _panorama_colour(surroundings, x, y - 5.0, -1.6, colour)
        detail = 0.80 + 0.45 * fractal_noise(x * 5 + surroundings.ground_seed, y * 5, 0.5, 3)
        for i in range(3):
            colour[i] *= detail * (0.55 + 0.45 * sun)
        return
    surface_colour(surroundings.ground_kind, x, y, surroundings.ground_seed,
                   surroundings.ground_first, surroundings.ground_second, colour)
    _lit(colour, np.array([0.0, 0.0, 1.0]), light, sun, distance)


@njit(cache=True, error_model='numpy')
def _sky_colour(light: Light, ray: NDArray, colour: NDArray) -> None:
    """Write the colour (3,) of a sky with clouds."""
    flat = abs(ray[2]) + 0.15
    clouds = max(0.0, fractal_noise(ray[0] / flat * 1.2, ray[1] / flat * 1.2, 0.3, 4) - 0.45) * 2
    height = min(1.0, max(0.0, ray[2] * 1.5))
    white = (light.sky[0] + light.sky[1] + light.sky[2]) / 3 * 1.5
    for i in range(3):
        colour[i] = light.sky[i] * (1.25 - 0.35 * height) * (1 - clouds) + clouds * white


@njit(cache=True, error_model='numpy')
def render_background(view: View, surroundings: Surroundings, light: Light, shadows: ShadowMap,
                      picture: Floats) -> None:
    """Write the linear RGB of the surroundings into `picture` (h, w, 3)."""
    ray, hit, colour = np.empty(3), np.empty(6), np.empty(3)
    r = view.rotation
    for row in range(picture.shape[0]):
        for column in range(picture.shape[1]):
            u = (column + 0.5 - view.centre_x_px) / view.focal_px
            v = (row + 0.5 - view.centre_y_px) / view.focal_px
            for i in range(3):
                ray[i] = r[0, i] * u + r[1, i] * v + r[2, i]
            distance = -view.position[2] / ray[2] if ray[2] < -1e-5 else 1e9
            number = _nearest_box(surroundings.boxes, view.position, ray, distance, hit)
            if number >= 0:
                box = surroundings.boxes[number]
                surface_colour(box.kind, hit[1], hit[2], box.seed, box.first, box.second, colour)
                _lit(colour, hit[3:], light, 1.0, hit[0])
            elif distance < (FAR_M if len(surroundings.panorama) > 1 else 1e8):
                _ground_colour(surroundings, light, shadows, view.position[0] + ray[0] * distance,
                               view.position[1] + ray[1] * distance, distance, colour)
            elif len(surroundings.panorama) > 1:
                _panorama_colour(surroundings, ray[0], ray[1], ray[2], colour)
            else:
                _sky_colour(light, ray, colour)
            for i in range(3):
                picture[row, column, i] = colour[i]
