"""A synthetic person: body, skin, clothes, hair and bags, all from a seed and a number."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import colours
from .accessories import sample_bags
from .body_model import BodyModel, body_model
from .gait import Pose, bone_rotations, sample_pose
from .garments import WAIST, Tailor
from .geometry import Floats, rotation, superellipsoid
from .hair import Hairdresser
from .layers import Layer, Surface, joined, part_layer, rigid_layer
from .materials import EYE, GLASSES, NO_GLASSES, SKIN, SUNGLASSES, Material, material
from .outfit import Outfit, sample_outfit
from .seeds import stream
from .skinning import bone_transforms, skinned

UNIFORM_BLOCK, UNIFORM_GROUP = 20, 3
"""Of every 20 numbers the first 3 wear the same outfit: hard negatives, 15 % of all people."""


@dataclass(frozen=True)
class Person:
    """A person at rest who can be posed.

    Parameters
    ----------
    surface : Surface
        All layers as one mesh.
    heads : NDArray
        Shape (b, 3): bone heads.
    stride : float
        Length of the steps relative to the average.
    carried : dict
        Arms that carry something, see `gait.ARMS`.
    """

    surface: Surface
    heads: Floats
    stride: float
    carried: dict[str, str]

    def sample_pose(self, rng: np.random.Generator) -> Pose:
        """Draw a pose of this person."""
        return sample_pose(rng, self.stride, self.carried)

    def posed(self, pose: Pose, heading_deg: float, position_m: NDArray[np.float64]) -> Floats:
        """Return vertices (n, 3) in the world: feet on the ground at x, y of `position_m`."""
        model = body_model()
        rotations, translations = bone_transforms(
            model.parents, self.heads, bone_rotations(model, self.heads, pose))
        vertices = skinned(self.surface.vertices, self.surface.bones, self.surface.weights,
                           rotations, translations)
        vertices = vertices @ rotation((0, 0, 1), heading_deg).T.astype(np.float32)
        vertices[:, 2] -= vertices[:, 2].min()
        vertices[:, :2] += np.asarray(position_m, np.float32)
        return np.ascontiguousarray(vertices, np.float32)


@dataclass(frozen=True)
class Body:
    """A person without clothes and hair.

    Parameters
    ----------
    rest, heads : NDArray
        Vertices (n, 3) and bone heads (b, 3) at rest, in metres.
    female : bool
        Sex of the bodies it is a mixture of.
    skin, hair : NDArray
        Colours, linear RGB, shape (3,).
    """

    rest: Floats
    heads: Floats
    female: bool
    skin: NDArray[np.float64]
    hair: NDArray[np.float64]


def sample_body(rng: np.random.Generator, model: BodyModel) -> Body:
    """Draw a body and its colours; the first draws of every person."""
    rows = _similar_bodies(rng, model)
    share = rng.uniform(0.6, 1.0)
    rest, heads = model.shape(np.float32(share) * model.coefficients[rows[0]]
                              + np.float32(1 - share) * model.coefficients[rows[1]])
    female, old = bool(model.female[rows[0]]), bool(model.age[rows[0]] > 0.83)
    skin = colours.sample_skin(rng, model.origin[rows[0]])
    return Body(rest, heads, female, skin, colours.sample_hair(rng, old))


def sample_person(seed: int, number: int, purpose: str = 'person') -> Person:
    """Return person `number` of a seed; the same arguments give the same person.

    `purpose` separates people who are labelled from those who only stand in the way.
    """
    model = body_model()
    rng = stream(seed, purpose, number)
    body = sample_body(rng, model)
    rest, heads, female, skin, hair = body.rest, body.heads, body.female, body.skin, body.hair
    outfit = _outfit(seed, number, purpose, female)
    layers = Tailor(model, rest, rng).layers(outfit)
    outer = (outfit.jacket or outfit.shirt).cloth
    bags, carried = sample_bags(rng, model, rest, heads, outer)
    layers += bags
    layers += Hairdresser(model, rest, rng).layers(female, hair, outer if outfit.jacket else None)
    if outfit.hood_down:
        layers.append(_hood_down(model, heads, outer))
    layers += _body(model, rest, outfit, _skin(rng, skin, hair, female), rng)
    return Person(joined(layers), np.ascontiguousarray(heads, np.float32),
                  rng.uniform(0.75, 1.15), carried)


def _similar_bodies(rng: np.random.Generator, model: BodyModel) -> tuple[int, int]:
    """Draw two example bodies of one sex, whose mixture is a body that is not in the file."""
    first = int(rng.integers(len(model.female)))
    alike = np.flatnonzero(model.female == model.female[first])
    return first, int(rng.choice(alike))


def _outfit(seed: int, number: int, purpose: str, female: bool) -> Outfit:
    """Return the outfit of a person, shared within a uniform group."""
    block, place = divmod(number, UNIFORM_BLOCK)
    if place < UNIFORM_GROUP:
        return sample_outfit(stream(seed, f'{purpose} uniform', block), False, uniform=True)
    return sample_outfit(stream(seed, f'{purpose} outfit', number), female)


def _skin(rng: np.random.Generator, colour: NDArray, hair: NDArray, female: bool) -> Material:
    """Return the skin with what is painted on the face."""
    skin = material(SKIN, colour, rng, 0.05)
    skin['hair'] = hair * 0.7
    skin['lips'] = rng.uniform(0.3, 0.8) if female else 0.25
    bearded = rng.random() < 0.4 and not female
    skin['beard'] = rng.uniform(0.25, 0.95) if bearded else 0
    skin['glasses'] = rng.choice([NO_GLASSES, GLASSES, SUNGLASSES], p=[0.74, 0.19, 0.07])
    return skin


def _body(model: BodyModel, rest: Floats, outfit: Outfit, skin: Material,
          rng: np.random.Generator) -> list[Layer]:
    """Return skin and eyes; skin that clothes hide is left out, so that it never shows through."""
    part = model.parts['skin']
    on_arm = part.arm > -0.05
    coverage = np.ones(len(part.vertices), np.float32)
    if outfit.bottom:
        coverage[~on_arm & (part.torso < WAIST - 0.03) & (part.leg < outfit.bottom.length - .03)
                 ] = -1
    shirt = outfit.shirt
    coverage[~on_arm & (part.torso > shirt.hem + 0.05)
             & (part.torso < shirt.neck - max(shirt.neckline, 0.06) - 0.06)] = -1
    sleeve = max(shirt.sleeve, outfit.jacket.sleeve if outfit.jacket else 0)
    coverage[on_arm & (part.arm < sleeve - 0.06)] = -1
    coverage[~on_arm & (part.leg > 1.0)] = -1
    eyes = model.parts['eyes']
    return [part_layer(part, rest[part.vertices], coverage, skin),
            part_layer(eyes, rest[eyes.vertices], np.ones(len(eyes.vertices)),
                       material(EYE, (0.16, 0.15, 0.14), rng))]


def _hood_down(model: BodyModel, heads: Floats, cloth: Material) -> Layer:
    """Return a hood that lies on the shoulders behind the neck."""
    centre = heads[model.bone['neck01']] + np.array([0, 0.075, 0.0])
    return rigid_layer(superellipsoid(1.0), centre, (0.105, 0.06, 0.065), model.bone['spine01'],
                       cloth)
