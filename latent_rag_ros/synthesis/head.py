"""A synthetic head: shape, skin, eyes, brows, beard and hair, all from a seed and a number."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import colours
from .geometry import Floats
from .head_model import HeadModel, head_model
from .seeds import stream

PERTURBATION = 0.35
"""Deviation of every principal component beside the mixture of two example heads."""

IRIS = np.array([[.055, .028, .014], [.11, .055, .022], [.16, .10, .04], [.10, .13, .07],
                 [.12, .18, .25], [.17, .22, .26], [.20, .22, .22]])
IRIS_SHARES = {'light': (.16, .18, .14, .14, .20, .10, .08), 'dark': (.62, .30, .08, 0, 0, 0, 0)}

STYLES = ('bald', 'buzz', 'short', 'swept', 'medium', 'long', 'tied')
STYLE_SHARES = {True: (.005, .015, .10, .12, .28, .33, .15),
                False: (.09, .20, .42, .20, .06, .02, .01)}
"""Shares of the styles of women (True) and men (False)."""


@dataclass(frozen=True)
class SkinLook:
    """Colours are linear RGB (3,); the rest are strengths in 0..1 unless said otherwise.

    Parameters
    ----------
    colour, lip_colour, brow_colour, beard_colour, iris, cloth : NDArray
    redness, freckles, wrinkles, oil, beard, moustache, eye_shadow : float
    brow_thickness, brow_height_m, brow_bend : float
        Relative thickness, shift upwards, and how arched the brows are.
    seed : float
        Shifts every noise.
    """

    colour: NDArray[np.float64]
    lip_colour: NDArray[np.float64]
    brow_colour: NDArray[np.float64]
    beard_colour: NDArray[np.float64]
    iris: NDArray[np.float64]
    cloth: NDArray[np.float64]
    redness: float
    freckles: float
    wrinkles: float
    oil: float
    beard: float
    moustache: float
    eye_shadow: float
    brow_thickness: float
    brow_height_m: float
    brow_bend: float
    seed: float


@dataclass(frozen=True)
class HairLook:
    """Style, linear RGB colour, thickness and end of the hair in metres, receding in metres."""

    style: str
    colour: NDArray[np.float64]
    thickness_m: float
    end_m: float
    receding_m: float
    parting: float
    curl: float
    seed: float


@dataclass(frozen=True)
class Head:
    """A head at rest: vertices (v, 3) of the head model, its skin and its hair."""

    rest: Floats
    skin: SkinLook
    hair: HairLook


def sample_head(seed: int, number: int) -> Head:
    """Return head `number` of a seed; the same arguments give the same head.

    Heads of a seed share nothing with the bodies of `person.sample_person`.
    """
    model, rng = head_model(), stream(seed, 'head', number)
    row, other = _similar_heads(rng, model)
    share = rng.uniform(0.6, 1.0)
    coefficients = share * model.coefficients[row] + (1 - share) * model.coefficients[other]
    coefficients = coefficients + rng.normal(0, PERTURBATION, len(coefficients))
    female, old = bool(model.female[row] > 0.5), float(model.old[row])
    hair_colour = colours.sample_hair(rng, old > 0.62)
    return Head(model.shape(coefficients.astype(np.float32)),
                _skin(rng, model.origin[row], female, old, hair_colour),
                _hair(rng, female, old, hair_colour))


def _similar_heads(rng: np.random.Generator, model: HeadModel) -> tuple[int, int]:
    """Draw two example heads of one sex."""
    first = int(rng.integers(len(model.female)))
    alike = np.flatnonzero((model.female > 0.5) == (model.female[first] > 0.5))
    return first, int(rng.choice(alike))


def _skin(rng: np.random.Generator, origin: Floats, female: bool, old: float,
          hair: NDArray[np.float64]) -> SkinLook:
    colour = colours.sample_skin(rng, origin)
    tone = 'light' if colour.mean() > 0.25 and origin[2] > 0.45 else 'dark'
    made_up = female and rng.random() < 0.45
    lips = colour * np.array([.92, .55, .55])
    if made_up:
        lips = lips * (1 - (share := rng.uniform(.2, .8))) + share * colours.linear(
            rng.uniform(-.06, .02), rng.uniform(.5, .85), rng.uniform(.35, .75))
    bearded = not female and rng.random() < 0.55
    dark = hair * rng.uniform(0.4, 0.8)
    return SkinLook(
        colour, lips, dark, hair * rng.uniform(0.6, 1.0), IRIS[rng.choice(
            len(IRIS), p=IRIS_SHARES[tone])] * rng.uniform(.8, 1.2),
        colours.sample(rng, colours.TOPS), redness=rng.uniform(.2, 1.0),
        freckles=rng.uniform(.2, 1) if tone == 'light' and rng.random() < .18 else 0.0,
        wrinkles=float(np.clip(1.5 * (old - .2) + rng.normal(0, .1), 0, 1)),
        oil=rng.uniform(.15, 1.0), beard=rng.beta(1.0, 1.1) if bearded else 0.0,
        moustache=rng.uniform(.3, 1) if bearded and rng.random() < .7 else 0.0,
        eye_shadow=rng.uniform(.1, .8) if made_up else 0.0,
        brow_thickness=rng.uniform(.55, 1.0) if female else rng.uniform(.8, 1.45),
        brow_height_m=rng.normal(0, .0012), brow_bend=rng.uniform(.2, 1.2),
        seed=rng.uniform(0, 40))


def _hair(rng: np.random.Generator, female: bool, old: float,
          colour: NDArray[np.float64]) -> HairLook:
    style = str(rng.choice(STYLES, p=STYLE_SHARES[female]))
    thickness = {'bald': (.0004, .0006), 'buzz': (.001, .003), 'short': (.007, .02),
                 'swept': (.014, .032), 'tied': (.005, .010)}.get(style, (.010, .024))
    end = {'medium': (-.13, -.07), 'long': (-.36, -.16)}.get(style, (1.0, 1.0))
    receding = rng.uniform(.008, .04) * old if not female and rng.random() < .6 else 0.0
    return HairLook(style, colour * rng.uniform(.9, 1.4), rng.uniform(*thickness),
                    rng.uniform(*end), receding, rng.uniform(-.035, .035),
                    rng.beta(.8, 2.0), rng.uniform(0, 40))
