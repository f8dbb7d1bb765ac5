"""Cameras: where they stand, what they see around them, and how they make pictures."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .background import Surroundings, sample_surroundings
from .degradation import Imaging, sample_imaging
from .light import Light, sample_light
from .panoramas import NO_PANORAMA, panorama, panorama_names
from .seeds import stream
from .view import View, looking

PANORAMA_SHARE, INDOOR_SHARE, NIGHT_SHARE, BACKLIGHT_SHARE = 0.45, 0.4, 0.12, 0.10
ROBOT_SHARE, CEILING_SHARE = 0.45, 0.35
"""Heights: robots 0.4 to 1.4 m, ceilings and masts 2.4 to 6 m, the rest in between."""

WIDTHS_PX = (640, 768, 960, 1280)


@dataclass(frozen=True)
class Camera:
    """One fixed camera.

    Parameters
    ----------
    view : View
        Optics and place; the picture is `width_px` by `height_px`.
    light, surroundings, imaging :
        What is in front of it and how it is stored.
    backlight : float
        Gain of the surroundings relative to the people; above 1 they stand against the light.
    distance_m : tuple of float
        Nearest and farthest place of a person.
    direction_deg, spread_deg : float
        Where people walk, both ways, and how far they deviate.
    """

    view: View
    width_px: int
    height_px: int
    light: Light
    surroundings: Surroundings
    imaging: Imaging
    backlight: float
    distance_m: tuple[float, float]
    direction_deg: float
    spread_deg: float

    def sample_place(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw where a person stands in view: x and y in metres, shape (2,)."""
        distance = rng.uniform(*self.distance_m)
        half_width = distance * 0.5 * self.width_px / self.view.focal_px
        return np.array([rng.uniform(-0.75, 0.75) * half_width, distance])

    def sample_heading_deg(self, rng: np.random.Generator) -> float:
        """Draw where a person is heading."""
        return float(self.direction_deg + rng.choice([0, 180])
                     + rng.uniform(-1, 1) * self.spread_deg)


def sample_camera(seed: int, number: int) -> Camera:
    """Return camera `number` of a seed; the same arguments give the same camera."""
    rng = stream(seed, 'camera', number)
    indoor, night = rng.random() < INDOOR_SHARE, rng.random() < NIGHT_SHARE
    light = sample_light(rng, indoor, night)
    photographed = rng.random() < PANORAMA_SHARE and not night
    name, gain = str(rng.choice(panorama_names())), rng.uniform(0.7, 1.2)
    picture = panorama(name) * np.float32(gain) if photographed else NO_PANORAMA
    surroundings = sample_surroundings(rng, indoor, picture)
    if photographed:
        light = _coloured_by(light, picture)
    height, aim = _height_and_aim(rng)
    width_px = int(rng.choice(WIDTHS_PX))
    focal_px = width_px * 0.5 / math.tan(math.radians(rng.uniform(45, 85)) / 2)
    far = rng.uniform(6, 15)
    return Camera(
        looking(height, aim, focal_px, width_px, width_px * 3 // 4), width_px, width_px * 3 // 4,
        light, surroundings, sample_imaging(rng, night, light),
        rng.uniform(1.5, 2.6) if rng.random() < BACKLIGHT_SHARE else 1.0,
        (max(rng.uniform(2.2, 4), 0.9 * height), far),
        rng.uniform(0, 360), float(rng.choice([20, 60, 180])))


def _height_and_aim(rng: np.random.Generator) -> tuple[float, float]:
    """Draw the height in metres and the tilt downwards in radians."""
    kind = rng.random()
    if kind < ROBOT_SHARE:
        height = rng.uniform(0.4, 1.4)
    elif kind < ROBOT_SHARE + CEILING_SHARE:
        height = rng.uniform(2.4, 6.0)
    else:
        height = rng.uniform(1.4, 2.4)
    return height, math.atan2(height - rng.uniform(0.8, 1.1), rng.uniform(4.5, 8))


def _coloured_by(light: Light, picture: NDArray[np.float32]) -> Light:
    """Return the light with the sky's and the ground's colours of a panorama."""
    above, below = (
        0.5 * mean + 0.5 * mean.mean()  # cameras balance their white; half of the tint remains
        for mean in (np.clip(picture[rows], 0, 3).mean((0, 1))
                     for rows in (slice(20, 120), slice(150, 230))))
    scale = light.sky.mean() / max(float(above.mean()), 1e-3)
    return light._replace(sky=above.astype(np.float64) * scale,
                          ground=below.astype(np.float64) * scale * 0.8)
