"""Rendered person crops for training: arrays of images with identity and camera labels."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Crops:
    """Labelled person crops.

    Parameters
    ----------
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    identities, cameras : NDArray
        Shape (n,), int64.
    """

    images: NDArray[np.uint8]
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]

    def tensor(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the images of `rows` as floats, shape (len(rows), 3, 128, 64), RGB in 0..1."""
        return torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).float() / 255


def load_crops(directory: Path, identities_below: int | None = None) -> Crops:
    """Read every `*.npz` of a folder: X (n, 128, 64, 3) uint8 BGR, Y identities, C cameras.

    Identities from `identities_below` on are left out. Raises FileNotFoundError when the folder
    holds no such file.
    """
    files = sorted(directory.glob('*.npz'))
    if not files:
        raise FileNotFoundError(f'no *.npz in {directory}; render the synthetic people first')
    parts = [np.load(path) for path in files]
    images = np.concatenate([part['X'][..., ::-1] for part in parts])
    identities = np.concatenate([part['Y'] for part in parts]).astype(np.int64)
    cameras = np.concatenate([part['C'] for part in parts]).astype(np.int64)
    keep = slice(None) if identities_below is None else identities < identities_below
    return Crops(np.ascontiguousarray(images[keep]), identities[keep], cameras[keep])
