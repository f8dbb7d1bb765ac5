"""Rendered person crops for training: images with masks, identities and cameras."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

CROP_HEIGHT_PX, CROP_WIDTH_PX = 128, 64
NUMBERS_PER_SEED = 1_000_000


@dataclass(frozen=True)
class Crops:
    """Labelled person crops.

    Parameters
    ----------
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    identities, cameras : NDArray
        Shape (n,), int64.
    masks : NDArray or None
        Shape (n, 1024), uint8: 128 x 64 bits per crop, 1 where the person is seen, packed by
        `numpy.packbits`; None when unknown.
    """

    images: NDArray[np.uint8]
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    masks: NDArray[np.uint8] | None = None

    def tensor(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the images of `rows` as floats, shape (len(rows), 3, 128, 64), RGB in 0..1."""
        return torch.from_numpy(self.images[rows]).permute(0, 3, 1, 2).float() / 255

    def mask(self, rows: NDArray[np.int64]) -> Tensor:
        """Return the masks of `rows`, shape (len(rows), 1, 128, 64), float, 1 on the person.

        Raises ValueError when the crops carry no masks.
        """
        if self.masks is None:
            raise ValueError('these crops carry no masks; render them with latent-rag synthesize')
        bits = np.unpackbits(self.masks[rows], axis=1)
        return torch.from_numpy(bits).view(-1, 1, CROP_HEIGHT_PX, CROP_WIDTH_PX).float()


def load_crops(directory: Path, seed: int = 0) -> Crops:
    """Read every `*.npz` of a folder, each with the arrays of `Crops` under their names.

    The renderer numbers people and cameras of each seed from 0; with the `seed` they were rendered
    from, those of all seeds get different numbers. Raises FileNotFoundError when the folder holds
    no such file.
    """
    files = sorted(directory.glob('*.npz'))
    if not files:
        raise FileNotFoundError(
            f'no *.npz in {directory}; render people into it with latent-rag synthesize')
    parts = [np.load(path) for path in files]
    arrays = {name: np.concatenate([part[name] for part in parts])
              for name in ('images', 'identities', 'cameras')}
    masks = (np.concatenate([part['masks'] for part in parts])
             if all('masks' in part.files for part in parts) else None)
    first = np.int64(seed * NUMBERS_PER_SEED)
    return Crops(arrays['images'], arrays['identities'] + first, arrays['cameras'] + first, masks)
