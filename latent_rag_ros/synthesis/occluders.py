"""Things that stand between camera and person: poles, furniture, signs, bags cut into crops."""
from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from . import colours
from .geometry import Floats

KINDS = ('pole', 'furniture', 'sign', 'edge')
SHARES = (.35, .30, .15, .20)


def add_occluder(radiance: Floats, owner: NDArray[np.int32], rng: np.random.Generator) -> None:
    """Draw one thing over a picture (h, w, 3) of linear RGB; hidden pixels lose their owner."""
    height, width = owner.shape
    kind = str(rng.choice(KINDS, p=SHARES))
    if kind == 'pole':
        half = width * rng.uniform(0.02, 0.09)
        centre = width * rng.uniform(0.05, 0.95)
        box = (centre - half, 0, centre + half, height)
    elif kind == 'furniture':  # a table, car or bin in front of the legs
        top = height * rng.uniform(0.55, 0.9)
        left = width * rng.uniform(-0.5, 0.6)
        box = (left, top, left + width * rng.uniform(0.5, 1.4), height)
    elif kind == 'sign':
        left, top = width * rng.uniform(-0.2, 0.8), height * rng.uniform(0.1, 0.8)
        box = (left, top, left + width * rng.uniform(0.25, 0.5),
               top + height * rng.uniform(0.08, 0.2))
    else:  # something big at the left or right border
        inside = width * rng.uniform(0.08, 0.35)
        box = (0, 0, inside, height) if rng.random() < 0.5 else (width - inside, 0, width, height)
    _draw(radiance, owner, box, rng)


def _draw(radiance: Floats, owner: NDArray[np.int32], box: tuple[float, ...],
          rng: np.random.Generator) -> None:
    """Fill a slanted box with a shaded, blotched colour."""
    left, top, right, bottom = box
    slant = rng.normal(0, 0.03) * (right - left)
    corners = np.round([[left + slant, top], [right + slant, top], [right, bottom],
                        [left, bottom]]).astype(np.int32)
    hidden = np.zeros(owner.shape, np.uint8)
    cv2.fillConvexPoly(hidden, corners, 1)
    colour = colours.linear(rng.random(), rng.uniform(0, 0.35) if rng.random() < 0.8 else 0.8,
                            rng.uniform(0.1, 0.9))
    across = np.linspace(rng.uniform(0.4, 1), rng.uniform(0.4, 1), owner.shape[1])
    blotches = cv2.resize(rng.uniform(0.75, 1.25, (8, 4)).astype(np.float32),
                          owner.shape[::-1], interpolation=cv2.INTER_LINEAR)
    texture = (across.astype(np.float32) * blotches)[..., None] * colour.astype(np.float32)
    radiance[hidden > 0] = texture[hidden > 0]
    owner[hidden > 0] = -1
