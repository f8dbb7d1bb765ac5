"""Random numbers that depend on what is drawn, never on the order of drawing."""
from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """Return the generator of one purpose, such as `stream(seed, 'crop', person, crop)`.

    Two calls with the same arguments draw the same numbers, in whatever process and order.
    `seed` and `numbers` are not negative (ValueError).
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *numbers])
