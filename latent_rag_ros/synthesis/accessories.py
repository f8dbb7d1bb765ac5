"""Bags and things in the hand: closed shapes bound to a bone, with straps painted on the cloth."""
from __future__ import annotations

import numpy as np

from . import colours
from .body_model import BodyModel
from .geometry import Floats, superellipsoid
from .layers import Layer, rigid_layer
from .materials import BACKPACK_STRAPS, CROSS_STRAP, PLAIN, Material, material

KINDS = ('none', 'backpack', 'shoulder bag', 'hand bag', 'papers')
SHARES = (.56, .17, .11, .11, .05)

BOX_EXPONENT = 0.35


def sample_bags(rng: np.random.Generator, model: BodyModel, rest: Floats, heads: Floats,
                outer: Material) -> tuple[list[Layer], dict[str, str]]:
    """Draw what a person carries.

    `rest` (v, 3) and `heads` (b, 3) are the rest pose, `outer` the outermost cloth, which gets
    the strap. Returns layers, and the arm pose of the carrying side (see `gait.ARMS`).
    """
    kind = str(rng.choice(KINDS, p=SHARES))
    colour = colours.sample(rng, colours.BAGS)
    look = material(PLAIN, colour, rng, 0.05, 0.3, 0.3)
    if kind == 'backpack':
        outer['strap'], outer['strap_colour'] = BACKPACK_STRAPS, colour * 0.6
        return _backpack(rng, model, rest, heads, look), {}
    if kind == 'shoulder bag':
        side = float(rng.choice([-1, 1]))
        outer['strap'], outer['strap_side'] = CROSS_STRAP, side
        outer['strap_colour'] = colour * 0.6
        hip = heads[model.bone['upperleg01.L']]
        size = np.array([0.05, 0.13, 0.10]) * rng.uniform(0.8, 1.3)
        return [rigid_layer(superellipsoid(BOX_EXPONENT),
                            np.array([side * (hip[0] + 0.14), 0, hip[2] + 0.03]), tuple(size),
                            model.bone['spine05'], look)], {}
    if kind in ('hand bag', 'papers'):
        side = str(rng.choice(['L', 'R']))
        return [_in_hand(rng, model, heads, side, kind == 'papers', look)], {
            side: 'carry' if kind == 'hand bag' else 'front'}
    return [], {}


def _backpack(rng: np.random.Generator, model: BodyModel, rest: Floats, heads: Floats,
              look: Material) -> list[Layer]:
    """Return a backpack with a front pocket."""
    suit = model.parts['suit']
    behind = (np.abs(suit.canonical[:, 0]) < .1) & (suit.torso > .4) & (suit.torso < .8)
    back = rest[suit.vertices][behind][:, 1].max() + 0.03
    size, height = rng.uniform(0.8, 1.2), heads[model.bone['spine02'], 2]
    pocket = look.copy()
    pocket['colour'] = (colours.sample(rng, colours.BAGS) if rng.random() < 0.3
                        else look['colour'] * 0.8)
    box, bone = superellipsoid(BOX_EXPONENT), model.bone['spine02']
    return [
        rigid_layer(box, np.array([0, back + 0.075 * size, height + 0.02]),
                    (0.135 * size, 0.085 * size, 0.2 * size), bone, look),
        rigid_layer(box, np.array([0, back + 0.16 * size, height - 0.05]),
                    (0.1 * size, 0.035, 0.1 * size), bone, pocket)]


def _in_hand(rng: np.random.Generator, model: BodyModel, heads: Floats, side: str,
             papers: bool, look: Material) -> Layer:
    """Return a hand bag, or a white sheet, that continues the forearm."""
    wrist = heads[model.bone[f'wrist.{side}']]
    forearm = wrist - heads[model.bone[f'lowerarm01.{side}']]
    forearm = forearm / np.linalg.norm(forearm)
    sideways = np.cross([0, 1, 0], forearm)
    sideways /= np.linalg.norm(sideways)
    turned = np.stack([sideways, np.cross(forearm, sideways), forearm], 1)
    size = rng.uniform(0.7, 1.3)
    half = np.array([0.05, 0.15, 0.14]) * size
    reach = 0.12 + 0.16 * size
    if papers:
        look['colour'] = look['second'] = colours.linear(0.1, 0.03, rng.uniform(0.8, 0.97))
        half, reach = np.array([0.006, 0.075, 0.105]) * size, 0.14
    return rigid_layer(superellipsoid(BOX_EXPONENT), wrist + forearm * reach, tuple(half),
                       model.bone[f'wrist.{side}'], look, turned)
