"""What a person wears: cuts, colours and patterns, drawn before there is a body to wear it."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import colours
from .materials import (
    BUTTONS, NO_FRONT, QUILTED, ZIP, Material, CLOTH, SHOE, STRIPES, add_pattern, add_print,
    material)

SLEEVES = ((.02, .04), (.22, .12), (.30, .19), (.36, .10), (.50, .06), (.75, .09), (1.0, .40))
"""Where sleeves end along the arm, and how often."""

TROUSER_LEGS = ((1.04, .62), (.98, .20), (.82, .05), (.55, .05), (.40, .05), (.28, .03))
"""Where trousers end along the leg, and how often."""


@dataclass(frozen=True)
class Bottom:
    """Trousers, shorts, leggings or stockings; `loose` 0..1, `length` along the leg."""

    length: float
    loose: float
    fit_m: float
    cloth: Material


@dataclass(frozen=True)
class Skirt:
    """A skirt or the lower half of a dress or coat; `gap_m` is how far its front is open."""

    length: float
    flare: float
    fit_m: float
    gap_m: float
    cloth: Material


@dataclass(frozen=True)
class Top:
    """A shirt, sweater or jacket; heights along the torso (0 hip, 1 base of the neck)."""

    hem: float
    sleeve: float
    neck: float
    neckline: float
    loose: float
    fit_m: float
    gap_m: float
    collar_m: float
    cloth: Material


@dataclass(frozen=True)
class Outfit:
    """Everything worn below the head; None is not worn."""

    bottom: Bottom | None
    skirt: Skirt | None
    shirt: Top
    jacket: Top | None
    coat: Skirt | None
    hood_down: bool
    shoes: Material
    shoe_height: float
    scarf: Material | None


def sample_outfit(rng: np.random.Generator, skirts: bool, uniform: bool = False) -> Outfit:
    """Draw an outfit; `skirts` allows skirts and dresses.

    A `uniform` is what several people wear alike: trousers, and more often a high-visibility
    yoke, a print or a colour that is rare elsewhere.
    """
    dress = skirts and rng.random() < 0.10
    skirt = dress or (skirts and rng.random() < 0.10)
    shirt = _shirt(rng, dress, uniform)
    jacket, coat = _jacket(rng, shirt) if rng.random() < (0.35 if uniform else 0.52) else (None,
                                                                                         None)
    bottom = _bottom(rng, skirts, skirt)
    skirt_part = _skirt(rng, shirt.cloth if dress else None) if skirt else None
    scarf = material(CLOTH, colours.sample(rng, colours.TOPS), rng, wrinkles=0.5)
    if rng.random() < 0.6:
        add_pattern(rng, scarf, 0.5)
    shoes, height = _shoes(rng)
    return Outfit(bottom, skirt_part, shirt, jacket, coat,
                  hood_down=rng.random() < (0.25 if jacket else 0.10), shoes=shoes,
                  shoe_height=height,
                  scarf=scarf if rng.random() < (0.14 if jacket else 0.02) else None)


def _chosen(rng: np.random.Generator, table: tuple[tuple[float, float], ...]) -> float:
    """Draw a value of a table of (value, share)."""
    values, shares = zip(*table)
    return float(rng.choice(values, p=np.array(shares) / sum(shares)))


def _shirt(rng: np.random.Generator, dress: bool, uniform: bool) -> Top:
    """Draw a shirt, blouse, sweater or the upper half of a dress."""
    palette = colours.TOPS
    if uniform and rng.random() < 0.4:
        palette = ((0.5, *colours.GARISH), (0.5, *colours.BLUE))
    cloth = material(CLOTH, colours.sample(rng, palette), rng, 0.02, rng.uniform(0.2, 0.6),
                     rng.uniform(0, 0.3))
    add_pattern(rng, cloth, 0.9 if uniform else 0.68)
    if rng.random() < (0.5 if uniform else 0.22):
        add_print(rng, cloth, 0.3)
    if rng.random() < (0.3 if uniform else 0.06):
        cloth['yoke_m'], cloth['yoke'] = rng.uniform(0.25, 0.45), colours.sample(rng, colours.TOPS)
    if rng.random() < 0.08:
        cloth['sleeves'], cloth['sleeve'] = 1, colours.sample(rng, colours.TOPS)
    if rng.random() < 0.25:
        cloth['front'] = BUTTONS
    hem = 0.1 if dress else (rng.uniform(-0.16, 0.06) if rng.random() < 0.8
                             else rng.uniform(0.1, 0.16))
    return Top(hem, _chosen(rng, SLEEVES), float(rng.choice([0.93, 0.98, 1.04])),
               float(rng.choice([0, 0, 0, 0.12, 0.2])), 0.15 if dress else rng.beta(2.0, 1.8),
               rng.uniform(0.009, 0.018), 0.0, 0.0, cloth)


def _jacket(rng: np.random.Generator, shirt: Top) -> tuple[Top, Skirt | None]:
    """Draw a jacket, or a coat as jacket and skirt, that fits over the shirt."""
    cloth = material(CLOTH, colours.sample(rng, colours.JACKETS), rng,
                     float(rng.choice([0.015, 0.03, 0.16], p=[0.55, 0.25, 0.20])),
                     rng.uniform(0.4, 1.0), rng.uniform(0, 0.25))
    add_pattern(rng, cloth, 0.9, colours.JACKETS)
    if rng.random() < 0.12:
        cloth['yoke_m'], cloth['yoke'] = rng.uniform(0.2, 0.45), colours.sample(rng, colours.TOPS)
    if rng.random() < 0.08:
        cloth['sleeves'], cloth['sleeve'] = 1, colours.sample(rng, colours.TOPS)
    if rng.random() < 0.15:
        add_print(rng, cloth, 0.7)
    is_coat = rng.random() < 0.28
    gap_m = float(rng.choice([0, 0.025, 0.05, 0.09], p=[0.52, 0.2, 0.16, 0.12]))
    if gap_m == 0:
        cloth['front'] = rng.choice([NO_FRONT, ZIP, BUTTONS])
    padded = rng.random() < 0.22
    if padded and rng.random() < 0.6:
        cloth['pattern'], cloth['scale'] = QUILTED, rng.uniform(12, 20)
    fit_m = shirt.fit_m + 0.009 + (rng.uniform(0.012, 0.024) if padded else rng.uniform(0, 0.009))
    hem = 0.05 if is_coat else rng.uniform(-0.24, 0.05)
    jacket = Top(hem, 1.0 if rng.random() > 0.07 else 0.02, 1.08, 0.0,
                 max(shirt.loose, rng.uniform(0.35, 1.0)), fit_m, gap_m, rng.uniform(0, 0.016),
                 cloth)
    coat = Skirt(rng.uniform(0.18, 0.72), rng.uniform(0, 0.25), fit_m + 0.02, gap_m, cloth)
    return jacket, coat if is_coat else None


def _bottom(rng: np.random.Generator, tights: bool, skirt: bool) -> Bottom | None:
    """Draw trousers, or what is worn under a skirt."""
    if skirt:
        dark = material(CLOTH, colours.linear(rng.random(), rng.uniform(0, 0.2),
                                              rng.uniform(0.03, 0.25)), rng)
        return Bottom(1.08, 0.0, 0.003, dark) if rng.random() < 0.55 else None
    cloth = material(CLOTH, colours.sample(rng, colours.TROUSERS), rng, 0.03,
                     rng.uniform(0.2, 0.7), rng.uniform(0.1, 0.6))
    if rng.random() < 0.05:
        add_pattern(rng, cloth, 0.3, colours.TROUSERS)
    tight = rng.random() < (0.4 if tights else 0.12)
    length = _chosen(rng, TROUSER_LEGS)
    return Bottom(length, 0.0 if tight else rng.beta(2.0, 1.8),
                  0.004 if tight else rng.uniform(0.008, 0.018), cloth)


def _skirt(rng: np.random.Generator, dress_cloth: Material | None) -> Skirt:
    """Draw a skirt, of the cloth of the dress when it is the half of one."""
    cloth = material(CLOTH, colours.sample(
        rng, colours.TROUSERS if rng.random() < 0.6 else colours.TOPS), rng, 0.02,
        rng.uniform(0.2, 0.5), 0.3)
    add_pattern(rng, cloth, 0.65)
    return Skirt(rng.uniform(0.3, 1.0), rng.uniform(-0.05, 0.4), 0.009, 0.0,
                 cloth if dress_cloth is None else dress_cloth)


def _shoes(rng: np.random.Generator) -> tuple[Material, float]:
    """Draw shoes with soles, and how far up the leg they reach."""
    upper = colours.sample(rng, colours.SHOES)
    shoe = material(SHOE, upper, rng, 0.12)
    if rng.random() < 0.5:  # a sole of another colour: one wide stripe over the height
        shoe['pattern'], shoe['scale'], shoe['ratio'] = STRIPES, 1.0, 0.21
        shoe['seed'], shoe['second'] = 1.0, colours.sample(rng, colours.SHOES)
    height = rng.uniform(0.75, 0.9) if rng.random() < 0.12 else 0.985
    return shoe, height
