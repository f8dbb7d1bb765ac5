"""Colour of a point of a person: fabric, print, skin, face and hair (numba kernels).

Points are canonical coordinates, so a pattern stays on the cloth while the person moves.
"""
from __future__ import annotations

import math

from numba import njit
from numpy.typing import NDArray

from .geometry import Floats
from .materials import (
    BACKPACK_STRAPS, BADGE, BAR, BUTTONS, CAMOUFLAGE, CROSS_STRAP, DISC, DOTS, EYE, FLORAL,
    GRADIENT, HAIR, LINE, MELANGE, NO_FRONT, NO_GLASSES, NO_PRINT, PICTURE, PINSTRIPES, PLAID,
    QUILTED, SKIN, STRIPES, SUNGLASSES, TEXT, Material)
from .noise import fractal_noise, fraction, noise

ON_SLEEVE = 0.02
"""From this position along the arm on, a point is on the sleeve."""


@njit(cache=True, inline='always')
def _mix(colour: NDArray, other: Floats, share: float) -> None:
    """Move `colour` (3,) to `other` by `share`."""
    for i in range(3):
        colour[i] += (other[i] - colour[i]) * share


@njit(cache=True, inline='always')
def _scale(colour: NDArray, factor: float) -> None:
    """Multiply `colour` (3,)."""
    for i in range(3):
        colour[i] *= factor


@njit(cache=True, error_model='numpy')
def _patterned(cloth: Material, x: float, y: float, z: float, arm: float, colour: NDArray) -> None:
    """Paint the pattern of a cloth."""
    pattern, scale, seed, ratio = cloth.pattern, cloth.scale, cloth.seed, cloth.ratio
    across, along = math.atan2(x, -y) * 0.16, z
    if arm > ON_SLEEVE:
        across, along = y, arm * 0.9 + 0.11
    if pattern == STRIPES:
        if fraction(along * scale + seed) < ratio:
            _mix(colour, cloth.second, 1.0)
    elif pattern == PINSTRIPES:
        if fraction(across * scale + seed) < ratio:
            _mix(colour, cloth.second, 1.0)
    elif pattern == PLAID:
        if fraction(across * scale + seed) < 0.45:
            _mix(colour, cloth.second, 0.5)
        if fraction(along * scale + 0.3) < 0.45:
            _mix(colour, cloth.second, 0.5)
        if fraction(across * scale + 0.2) < 0.07 or fraction(along * scale + 0.55) < 0.07:
            _mix(colour, cloth.third, 1.0)
    elif pattern == CAMOUFLAGE:
        blob = fractal_noise(x * scale + seed * 17, y * scale, z * scale, 3)
        if blob >= 0.5:
            _mix(colour, cloth.third, 1.0)
        elif blob >= 0.4:
            _mix(colour, cloth.second, 1.0)
    elif pattern == DOTS:
        du = fraction(across * scale + 0.5 * math.floor(along * scale)) - 0.5
        dv = fraction(along * scale) - 0.5
        if du * du + dv * dv < ratio * 0.16:
            _mix(colour, cloth.second, 1.0)
    elif pattern == GRADIENT:
        _mix(colour, cloth.second, min(1.0, max(0.0, z * scale + seed)))
    elif pattern == MELANGE:
        _mix(colour, cloth.second, 0.9 * noise(x * 320 + seed, y * 320, z * 320))
    elif pattern == FLORAL:
        if noise(x * scale + seed * 9, y * scale, z * scale) > 0.62:
            _mix(colour, cloth.second, 1.0)
        elif noise(x * scale + 40, y * scale + seed, z * scale) > 0.66:
            _mix(colour, cloth.third, 1.0)
    elif pattern == QUILTED:
        seam = abs(fraction(along * scale) - 0.5) * 2
        _scale(colour, 0.55 + 0.6 * math.sqrt(max(0.0, 1 - seam * seam)))


@njit(cache=True, error_model='numpy')
def _printed(cloth: Material, x: float, z: float, normal_y: float, colour: NDArray) -> None:
    """Paint the print on the chest or the back."""
    side = normal_y if cloth.print_behind else -normal_y
    if side < 0.15:
        return
    u, v = x / cloth.print_size_m, (z - cloth.print_m) / cloth.print_size_m
    kind, seed = cloth.print, cloth.seed
    hit = ((kind == BAR and abs(u) < 1 and abs(v) < 0.35)
           or (kind == DISC and u * u + v * v < 0.6)
           or (kind == LINE and abs(v) < 0.16)
           or (kind == BADGE and abs(u - 0.5) < 0.22 and abs(v - 0.3) < 0.2)
           or (kind == PICTURE and u * u + v * v < 0.8
               and noise(u * 3 + seed * 7, v * 3, seed) > 0.5)
           or (kind == TEXT and abs(u) < 1.1 and abs(v) < 0.55 and fraction(v * 2.2) < 0.6
               and noise(u * 7 + seed * 3, math.floor(v * 2.2) * 5.1, seed) > 0.42))
    if hit:
        _mix(colour, cloth.print_colour, 1.0)


@njit(cache=True, error_model='numpy')
def _cloth(cloth: Material, x: float, y: float, z: float, arm: float, normal_y: float,
           colour: NDArray) -> None:
    """Paint a garment: pattern, sleeves, yoke, print, straps, belt, front, worn spots."""
    _patterned(cloth, x, y, z, arm, colour)
    if arm > ON_SLEEVE:
        if cloth.sleeves:
            _mix(colour, cloth.sleeve, 1.0)
    else:
        if cloth.print != NO_PRINT:
            _printed(cloth, x, z, normal_y, colour)
        if cloth.strap == BACKPACK_STRAPS:
            if z > 0 and abs(abs(x) - 0.085) < 0.018 and normal_y < 0.3:
                _mix(colour, cloth.strap_colour, 1.0)
        elif cloth.strap == CROSS_STRAP:
            if z > 0 and abs((z - 0.30) + cloth.strap_side * x * 1.35) < 0.024:
                _mix(colour, cloth.strap_colour, 1.0)
        if cloth.front != NO_FRONT and normal_y < 0 and abs(x) < 0.006:
            dashed = cloth.front == BUTTONS and fraction(z * 14) >= 0.25
            _scale(colour, 1.0 if dashed else 0.45)
    if z > cloth.yoke_m > -5:
        _mix(colour, cloth.yoke, 1.0)
    if abs(z - cloth.belt_m) < 0.016:
        _mix(colour, cloth.belt, 1.0)
    if cloth.fade > 0:
        worn = fractal_noise(x * 9 + cloth.seed, y * 9, z * 6, 2) - 0.38
        _scale(colour, max(0.2, 1 + cloth.fade * worn * 1.6))


@njit(cache=True, error_model='numpy')
def _face(skin: Material, x: float, y: float, z: float, colour: NDArray) -> None:
    """Paint brows, eye sockets, lips, beard and glasses on the canonical head."""
    side = abs(x)
    if y < -0.035 and 0.58 < z < 0.668 and side < 0.075 and skin.beard > 0:
        if abs(z - 0.6395) > 0.008 or side > 0.022:
            growth = skin.beard * min(1.0, (0.668 - z) / 0.02)
            _mix(colour, skin.hair, min(0.95, growth * (0.75 + 0.5 * noise(x * 300, y * 300,
                                                                         z * 300))))
    if y > -0.06:
        if skin.glasses != NO_GLASSES and abs(z - 0.706) < 0.004 and y < 0.0 and side > 0.05:
            _scale(colour, 0.15)
        return
    brow = z - 0.722 - 0.10 * side + 0.9 * side * side
    if abs(brow) < 0.0058 and 0.010 < side < 0.050:
        _mix(colour, skin.hair, 0.65)
    if abs(z - 0.6395) < 0.009 and side < 0.023:
        colour[1] *= 1 - 0.45 * skin.lips
        colour[2] *= 1 - 0.40 * skin.lips
    if abs(z - 0.698) < 0.014 and 0.014 < side < 0.046:
        _scale(colour, 0.78)
    if skin.glasses != NO_GLASSES:
        lens = max(abs(side - 0.033) / 0.025, abs(z - 0.699) / 0.019)
        rim = 0.72 < lens < 1 or (abs(z - 0.704) < 0.003 and side < 0.010)
        if rim or (skin.glasses == SUNGLASSES and lens < 1):
            _scale(colour, 0.06)


@njit(cache=True, error_model='numpy')
def albedo(surface: Material, x: float, y: float, z: float, arm: float, normal_y: float,
           colour: NDArray) -> None:
    """Write the linear RGB of a point into `colour` (3,).

    `x`, `y`, `z` are canonical metres, `arm` the position along the arm (-0.3 off it) and
    `normal_y` the backward part of the rest normal.
    """
    for i in range(3):
        colour[i] = surface.colour[i]
    if surface.kind == SKIN:
        _scale(colour, 0.94 + 0.12 * noise(x * 30, y * 30, z * 30))
        if z > 0.58 and arm < 0:
            _face(surface, x, y, z, colour)
    elif surface.kind == HAIR:
        strand = math.atan2(x, y + 0.02) * 26 + surface.seed
        _scale(colour, 0.65 + 0.7 * noise(strand, z * 6, surface.seed))
    elif surface.kind != EYE:
        _cloth(surface, x, y, z, arm, normal_y, colour)
    for i in range(3):
        colour[i] = max(colour[i], 0.0)
