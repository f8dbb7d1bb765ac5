"""Colours of clothes, skin and hair, drawn the way streets look: dark, grey, navy, denim, beige.

All colours are linear RGB in 0..1 (reflectance); the tables speak of hue, saturation and value
because that is how clothes are described.
"""
from __future__ import annotations

import colorsys

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]
Palette = tuple[tuple[float, Range, Range, Range], ...]
"""Rows of share, hue, saturation and value; the shares add up to 1."""

ANY_HUE = (0.0, 1.0)
BLACK = (ANY_HUE, (0.0, 0.15), (0.05, 0.17))
CHARCOAL = (ANY_HUE, (0.0, 0.10), (0.20, 0.36))
GREY = (ANY_HUE, (0.0, 0.07), (0.40, 0.68))
WHITE = ((0.05, 0.7), (0.0, 0.07), (0.80, 0.97))
NAVY = ((0.59, 0.67), (0.25, 0.60), (0.11, 0.28))
BLUE = ((0.55, 0.64), (0.35, 0.75), (0.35, 0.70))
BROWN = ((0.03, 0.09), (0.30, 0.65), (0.18, 0.42))
BEIGE = ((0.08, 0.14), (0.15, 0.40), (0.55, 0.82))
OLIVE = ((0.16, 0.26), (0.20, 0.50), (0.20, 0.40))
RED = ((-0.03, 0.02), (0.60, 0.90), (0.35, 0.75))
MUTED = (ANY_HUE, (0.25, 0.60), (0.25, 0.75))
GARISH = (ANY_HUE, (0.70, 0.95), (0.55, 0.95))
DENIM = ((0.565, 0.615), (0.22, 0.46), (0.32, 0.62))
DARK_DENIM = ((0.58, 0.64), (0.20, 0.45), (0.16, 0.31))

TOPS: Palette = (
    (0.24, *BLACK), (0.10, *CHARCOAL), (0.11, *GREY), (0.15, *WHITE), (0.11, *NAVY), (0.06, *BLUE),
    (0.03, *BROWN), (0.05, *BEIGE), (0.02, *OLIVE), (0.04, *RED), (0.06, *MUTED), (0.03, *GARISH))
JACKETS: Palette = (
    (0.39, *BLACK), (0.14, *CHARCOAL), (0.05, *GREY), (0.02, *WHITE), (0.14, *NAVY), (0.03, *BLUE),
    (0.06, *BROWN), (0.05, *BEIGE), (0.05, *OLIVE), (0.02, *RED), (0.03, *MUTED), (0.02, *GARISH))
TROUSERS: Palette = (
    (0.20, *DENIM), (0.17, *DARK_DENIM), (0.28, *BLACK), (0.11, *CHARCOAL), (0.06, *GREY),
    (0.07, *BEIGE), (0.03, *OLIVE), (0.03, *WHITE), (0.03, *MUTED), (0.02, *BROWN))
SHOES: Palette = (
    (0.46, *BLACK), (0.18, *BROWN), (0.20, *WHITE), (0.11, *GREY), (0.03, *MUTED), (0.02, *GARISH))
BAGS: Palette = (
    (0.48, *BLACK), (0.14, *BROWN), (0.10, *NAVY), (0.10, *CHARCOAL), (0.06, *RED), (0.06, *BEIGE),
    (0.04, *GARISH), (0.02, *WHITE))

SKIN_SRGB = np.array([
    [.94, .77, .67], [.88, .69, .57], [.82, .61, .48], [.71, .50, .37], [.55, .36, .26],
    [.40, .26, .19], [.28, .18, .14]])
HAIR = np.array([
    [.012, .010, .009], [.025, .017, .012], [.055, .033, .018], [.12, .072, .035],
    [.30, .20, .09], [.16, .050, .018], [.22, .21, .20], [.50, .49, .47]])
HAIR_SHARES = {False: (.34, .25, .18, .08, .08, .02, .03, .02),
               True: (.10, .08, .10, .06, .08, .02, .33, .23)}
"""Shares of `HAIR` of younger and of older people."""


def linear(hue: float, saturation: float, value: float) -> NDArray[np.float64]:
    """Return the linear RGB of an sRGB colour given as hue, saturation, value in 0..1."""
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value)) ** 2.2


def sample(rng: np.random.Generator, palette: Palette) -> NDArray[np.float64]:
    """Draw a colour of a palette, linear RGB."""
    shares = np.array([row[0] for row in palette])
    row = palette[rng.choice(len(palette), p=shares / shares.sum())]
    return linear(*(rng.uniform(*limits) for limits in row[1:]))


def sample_skin(rng: np.random.Generator, origin: NDArray[np.float32]) -> NDArray[np.float64]:
    """Draw a skin colour for African, Asian and Caucasian shares (3,), linear RGB."""
    tone = np.clip(origin @ [5.2, 1.6, 0.8] + rng.normal(0, 0.5), 0, len(SKIN_SRGB) - 1.001)
    low, part = int(tone), tone % 1
    return (SKIN_SRGB[low] * (1 - part) + SKIN_SRGB[low + 1] * part) ** 2.2


def sample_hair(rng: np.random.Generator, old: bool) -> NDArray[np.float64]:
    """Draw a hair colour, linear RGB; grey and white are common among the old."""
    return HAIR[rng.choice(len(HAIR), p=HAIR_SHARES[old])] * rng.uniform(0.75, 1.3)
