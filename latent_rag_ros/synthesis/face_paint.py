"""Colour of points of a head: skin, brows, beard, lips, eyes, teeth, in linear RGB.

Everything is painted in the coordinates of the average head (metres from the middle between the
eyes), so that it stays where it belongs on every face and in every expression.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import Floats
from .head import SkinLook
from .noise_fields import noise_at

IRIS_EDGE, PUPIL_EDGE = 0.44, 0.17
"""Sines of the angles from the middle of the eye at which iris and pupil end."""

COLLAR_M = -0.175
"""Below this height there are clothes."""


def _bump(canonical: Floats, x: float, z: float, radius_x: float, radius_z: float) -> Floats:
    """Return a bell (n,) on both sides of the face around |x|, z."""
    across = (np.abs(canonical[:, 0]) - x) / radius_x
    return np.exp(-across ** 2 - ((canonical[:, 2] - z) / radius_z) ** 2)


def _mix(colour: Floats, other: NDArray, share: Floats) -> Floats:
    """Return colours (n, 3) moved to another colour (3,) or (n, 3) by a share (n,)."""
    return colour + (np.asarray(other, np.float32) - colour) * share[:, None]


def skin_colour(look: SkinLook, canonical: Floats, masks: Floats) -> Floats:
    """Return the colour (n, 3) of skin and clothes.

    `canonical` (n, 3) are points on the average head, `masks` (n, 4) lips, eyelids, ears and the
    inside of the mouth, in 0..1.
    """
    x, y, z = canonical.T
    lips, lids, ears, inside = masks.T
    front = np.clip((.03 - y) / .03, 0, 1)
    shifted = canonical + np.float32(look.seed)
    mottled = 1 + .14 * (noise_at(shifted * 70, 3) - .5) + .10 * (noise_at(shifted * 600, 2) - .5)
    colour = np.asarray(look.colour, np.float32) * mottled[:, None]
    red = (.9 * _bump(canonical, .036, -.030, .016, .014) + _bump(canonical, 0, -.040, .012, .012)
           + .5 * _bump(canonical, 0, -.100, .016, .012) + .7 * ears) * front.clip(.4)
    red = look.redness * np.clip(red + .5 * lids, 0, 1.2) * (.7 + .6 * noise_at(shifted * 150, 2))
    colour = colour * (1 - np.array([.02, .26, .22], np.float32) * red[:, None])
    hollow = _bump(canonical, .029, -.012, .013, .006) + .8 * _bump(canonical, .018, .002, .006,
                                                                    .008)
    colour = colour * (1 - np.array([.14, .20, .17], np.float32) * (hollow * front)[:, None])
    colour = _mix(colour, colour * [.75, .5, .45], .5 * look.eye_shadow * lids)
    if look.freckles:
        spots = (noise_at(shifted * 420, 1) > .74) * _bump(canonical, .022, -.022, .030, .020)
        colour = _mix(colour, colour * [.62, .48, .38], look.freckles * spots * front)
    colour = _with_wrinkles(look, canonical, colour, shifted)
    colour = _mix(colour, look.lip_colour * (.85 + .3 * noise_at(
        canonical * [900, 300, 200], 1))[:, None], .85 * lips)
    colour = _with_beard(look, canonical, masks, colour, shifted)
    colour = _with_brows(look, canonical, colour)
    colour = _mix(colour, [.10, .02, .02], np.clip(1.3 * inside - lips, 0, 1) * (y < .06)
                  * (z < -.045) * (z > -.09) * (np.abs(x) < .03))
    collar = COLLAR_M + .05 * np.clip(y - .03, 0, .1) / .1 + .25 * x * x
    cloth = np.asarray(look.cloth) * (.85 + .3 * noise_at(canonical * 300, 2))[:, None]
    return _mix(colour, cloth, np.clip((collar - z) / .002, 0, 1)).astype(np.float32)


def _with_wrinkles(look: SkinLook, canonical: Floats, colour: Floats, shifted: Floats) -> Floats:
    """Return the colour with lines on the forehead, beside the eyes and from nose to mouth."""
    x, _, z = canonical.T
    wave = 6 * noise_at(shifted * 30, 1)
    forehead = np.exp(-((z - .045) / .016) ** 2) * np.maximum(0, np.sin(z * 900 + wave)) ** 6
    crow = _bump(canonical, .056, .000, .007, .010) * np.maximum(
        0, np.sin(z * 1300 + wave)) ** 4
    fold = np.exp(-((np.abs(x) - .021 + .32 * (z + .05)) / .0022) ** 2) * (z < -.036) * (z > -.07)
    lines = look.wrinkles * np.clip(.8 * forehead + .8 * crow + fold, 0, 1)
    return colour * (1 - np.array([.25, .30, .30], np.float32) * lines[:, None])


def _with_beard(look: SkinLook, canonical: Floats, masks: Floats, colour: Floats,
                shifted: Floats) -> Floats:
    """Return the colour with beard and moustache."""
    if look.beard == 0:
        return colour
    x, y, z = canonical.T
    side = np.abs(x)
    edge = .012 * (noise_at(shifted * 120, 2) - .5)
    line = -.064 + np.clip((side - .030) / .042, 0, 1) ** 2 * .050 + edge
    jaw = (np.clip((line - z) / .024, 0, 1) * np.clip((z + .140) / .022, 0, 1)
           * np.clip((.080 - y) / .012, 0, 1))
    around = np.clip((side - .0255 + .5 * np.abs(z + .068)) / .004, 0, 1)
    jaw = np.where(z > -.082, jaw * around, jaw)
    lip = (np.clip((.0145 - np.abs(z + .0515)) / .009, 0, 1) * np.clip((.030 - side) / .008, 0, 1)
           * (z < -.045))
    growth = np.maximum(look.beard * jaw, look.moustache * look.beard * lip)
    growth = growth * np.clip(1 - masks[:, 0] * 1.6, 0, 1) * np.clip(1 - masks[:, 3] * 2, 0, 1)
    hairs = noise_at(canonical * [1500, 900, 700], 1)
    return _mix(colour, look.beard_colour * (.6 + .8 * hairs)[:, None],
                np.clip(growth * (.35 + 1.2 * hairs), 0, .92))


def _with_brows(look: SkinLook, canonical: Floats, colour: Floats) -> Floats:
    """Return the colour with both brows, drawn as hairs."""
    x, y, z = canonical.T
    along = (np.abs(x) - .0105) / .038
    height = .0185 + look.brow_height_m + .0052 * look.brow_bend * np.sin(
        np.pi * np.clip(along * .82, 0, 1))
    width = .0044 * look.brow_thickness * np.clip(1.12 - .75 * along, .1, 1)
    hairs = noise_at(np.stack([np.abs(x) * 420 + z * 500, z * 1500 - np.abs(x) * 500,
                               np.sign(x) * 7], 1).astype(np.float32), 1)
    inside = np.clip(1.25 - ((z - height) / width) ** 2 - .6 * (hairs - .5), 0, 1)
    inside = inside * np.clip(along / .08, 0, 1) * np.clip((1.02 - along) / .15, 0, 1) * (y < .03)
    return _mix(colour, look.brow_colour * .8, .92 * np.clip(inside * (.5 + hairs), 0, 1))


def eye_colour(look: SkinLook, offsets: Floats) -> Floats:
    """Return the colour (n, 3) of points of the eyeballs.

    `offsets` (n, 3) is the place on the eyeball before it turned, relative to its radius: x to the
    person's left, -y the middle of the iris.
    """
    radius = np.hypot(offsets[:, 0], offsets[:, 2])
    angle = np.arctan2(offsets[:, 2], offsets[:, 0])
    ahead = offsets[:, 1] < 0
    white = np.array([.74, .70, .67], np.float32) * (1 - .25 * np.clip(
        (np.abs(offsets[:, 0]) - .45) / .4, 0, 1))[:, None]
    colour = white * (1 - np.array([0, .22, .25]) * (.6 * (noise_at(
        (offsets * [6, 1, 14]).astype(np.float32), 2) > .58))[:, None])
    rays = noise_at(np.stack([angle * 9, radius * 9, 0 * radius + look.seed], 1).astype(
        np.float32), 2)
    ring = 1 - .75 * np.clip((radius - .34) / .10, 0, 1) ** 2
    iris = look.iris * ((.65 + .9 * rays) * ring * (1.25 - .8 * (radius - .2)))[:, None]
    colour = _mix(colour, iris, np.clip((IRIS_EDGE - radius) / .035, 0, 1) * ahead)
    colour = _mix(colour, [.004, .004, .004],
                  np.clip((PUPIL_EDGE - radius) / .03, 0, 1) * ahead)
    return np.maximum(colour, 0).astype(np.float32)
