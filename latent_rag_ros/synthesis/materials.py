"""What a surface looks like: one record per material, readable by the numba kernels."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import colours

SKIN, CLOTH, HAIR, SHOE, EYE, PLAIN = range(6)
"""Kinds of materials."""

(NO_PATTERN, STRIPES, PINSTRIPES, PLAID, CAMOUFLAGE, DOTS, GRADIENT, MELANGE, FLORAL,
 QUILTED) = range(10)
NO_PRINT, BAR, DISC, TEXT, PICTURE, LINE, BADGE = range(7)
NO_STRAP, BACKPACK_STRAPS, CROSS_STRAP = range(3)
NO_FRONT, ZIP, BUTTONS = range(3)
NO_GLASSES, GLASSES, SUNGLASSES = range(3)

NOWHERE = -9.0
"""A height (metres) no part of the body has: the feature is absent."""

MATERIAL = np.dtype([
    ('kind', 'i4'), ('seed', 'f4'), ('colour', 'f4', 3), ('shine', 'f4'), ('wrinkles', 'f4'),
    ('pattern', 'i4'), ('scale', 'f4'), ('ratio', 'f4'), ('second', 'f4', 3), ('third', 'f4', 3),
    ('fade', 'f4'), ('yoke_m', 'f4'), ('yoke', 'f4', 3), ('sleeves', 'i4'), ('sleeve', 'f4', 3),
    ('print', 'i4'), ('print_colour', 'f4', 3), ('print_size_m', 'f4'), ('print_m', 'f4'),
    ('print_behind', 'i4'), ('belt_m', 'f4'), ('belt', 'f4', 3), ('front', 'i4'),
    ('strap', 'i4'), ('strap_side', 'f4'), ('strap_colour', 'f4', 3),
    ('beard', 'f4'), ('hair', 'f4', 3), ('lips', 'f4'), ('glasses', 'i4')])
"""Fields of a material. Heights `_m` are canonical z; colours are linear RGB; `wrinkles` is the
strength of fine folds in 0..1, `fade` of worn spots, `ratio` how much of a pattern is `second`."""

Material = NDArray[np.void]


def material(kind: int, colour: ArrayLike, rng: np.random.Generator, shine: float = 0.02,
             wrinkles: float = 0.0, fade: float = 0.0) -> Material:
    """Return a plain material as a record array of shape () of dtype `MATERIAL`."""
    record = np.zeros((), MATERIAL)
    record['kind'], record['colour'], record['seed'] = kind, colour, rng.uniform(0, 10)
    record['shine'], record['wrinkles'], record['fade'] = shine, wrinkles, fade
    record['second'] = record['third'] = colour
    record['yoke_m'] = record['belt_m'] = NOWHERE
    record['ratio'] = 0.5
    return record


PATTERN_SHARES = {STRIPES: .24, PINSTRIPES: .10, PLAID: .20, CAMOUFLAGE: .04, DOTS: .08,
                  GRADIENT: .03, MELANGE: .21, FLORAL: .10}
PATTERN_SCALES = {STRIPES: (7, 40), PINSTRIPES: (10, 50), PLAID: (8, 30), CAMOUFLAGE: (8, 24),
                  DOTS: (14, 40), GRADIENT: (1, 3), MELANGE: (1, 1), FLORAL: (18, 45)}


def add_pattern(rng: np.random.Generator, cloth: Material, plain_share: float,
                palette: colours.Palette = colours.TOPS) -> None:
    """Give a cloth a pattern, or leave it plain with probability `plain_share`."""
    pattern = int(rng.choice(list(PATTERN_SHARES), p=list(PATTERN_SHARES.values())))
    scale = rng.uniform(*PATTERN_SCALES[pattern])
    second, third = colours.sample(rng, palette), colours.sample(rng, palette)
    ratio, shift = rng.uniform(0.25, 0.65), rng.uniform(-0.2, 0.4)
    if rng.random() < plain_share:
        return
    cloth['pattern'], cloth['scale'], cloth['ratio'] = pattern, scale, ratio
    cloth['second'], cloth['third'] = second, third
    if pattern == GRADIENT:
        cloth['seed'] = shift
    if pattern == MELANGE:
        cloth['second'] = np.clip(cloth['colour'] * rng.uniform(0.4, 2.0), 0, 1)


def add_print(rng: np.random.Generator, cloth: Material, behind_share: float) -> None:
    """Put a print on chest or back."""
    cloth['print'] = rng.integers(BAR, BADGE + 1)
    cloth['print_colour'] = colours.sample(rng, colours.TOPS)
    cloth['print_size_m'] = rng.uniform(0.04, 0.11)
    cloth['print_m'] = rng.uniform(0.28, 0.42)
    cloth['print_behind'] = rng.random() < behind_share
