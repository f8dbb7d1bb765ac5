"""Photographed surroundings: low-resolution CC0 panoramas, stored compressed.

`assets/panoramas.npz` holds JPEG pictures of the cube root of the radiance; see
`scripts/pack_panoramas.py` and `assets/NOTICE.md`.
"""
from __future__ import annotations

import functools
from importlib import resources
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

BRIGHTEST = 12.0
"""Radiance of the stored value 255; the median of every panorama is 1 / 2.2."""

WIDTH, HEIGHT = 512, 256

TINT = np.float32(0.6)
"""Share of the colour that is kept: JPEG and tone curve of the rendered cameras add to it."""

NO_PANORAMA = np.zeros((1, 1, 3), np.float32)
"""Stands for a procedural surrounding."""


@functools.lru_cache(maxsize=1)
def panorama_names() -> tuple[str, ...]:
    """Return the names of all panoramas, sorted."""
    with _open() as file, np.load(file) as stored:
        return tuple(sorted(stored.files))


@functools.lru_cache(maxsize=32)
def panorama(name: str) -> NDArray[np.float32]:
    """Return a panorama (256, 512, 3), linear RGB; longitude along x, zenith in the first row."""
    with _open() as file, np.load(file) as stored:
        picture = cv2.imdecode(stored[name], cv2.IMREAD_COLOR)
    radiance = (picture[..., ::-1].astype(np.float32) / 255) ** 3 * BRIGHTEST
    grey = radiance.mean(2, keepdims=True)
    return np.ascontiguousarray(grey + (radiance - grey) * TINT)


def _open() -> IO[bytes]:
    """Open the asset file for reading."""
    return (resources.files('latent_rag_ros.synthesis') / 'assets' / 'panoramas.npz').open('rb')
