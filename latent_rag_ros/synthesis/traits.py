"""What is true of a rendered person's body and hair, found again from seed and number."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .body_model import body_model
from .person import sample_body
from .seeds import stream

WAIST_ROWS = (0.3, 0.55)
"""Heights along the torso, 0 hip, 1 base of the neck."""
LUMINANCE = (0.2126, 0.7152, 0.0722)


class Traits(NamedTuple):
    """Traits of one person.

    Parameters
    ----------
    female : bool
        Sex of the body.
    build : float
        Mean radius of the waist over the height of the body, about 0.05 to 0.11.
    hair : float
        Luminance of the hair colour, linear, 0 black to 1 white, whether or not a hat covers it.
    """

    female: bool
    build: float
    hair: float


def traits_of(seed: int, number: int) -> Traits:
    """Return the traits of labelled person `number` of a seed."""
    model = body_model()
    body = sample_body(stream(seed, 'person', number), model)
    part = model.parts['skin']
    vertices = body.rest[part.vertices]
    low, high = WAIST_ROWS
    waist = vertices[(part.arm <= -0.05) & (part.torso > low) & (part.torso < high)]
    radius_m = np.linalg.norm(waist[:, :2] - waist[:, :2].mean(0), axis=1).mean()
    height_m = np.ptp(vertices[:, 2])
    return Traits(body.female, float(radius_m / height_m), float(body.hair @ LUMINANCE))
