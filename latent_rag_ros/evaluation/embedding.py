"""Identity features of 8-bit images, in batches."""
from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BATCH = 32


class EmbeddingNetwork(Protocol):
    """A re-ID network: crops (n, 3, 128, 64), RGB in 0..1, become unit rows (n, d)."""

    def embed(self, crops: Tensor) -> Tensor:
        """Return one feature per crop."""


def to_crops(images: NDArray[np.uint8], device: str = 'cpu') -> Tensor:
    """Return uint8 images (n, h, w, 3) as a float tensor (n, 3, h, w) in 0..1."""
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    return tensor.permute(0, 3, 1, 2).float() / 255


def to_images(crops: Tensor) -> NDArray[np.uint8]:
    """Return uint8 pictures (n, 3, h, w) as images (n, h, w, 3)."""
    return crops.permute(0, 2, 3, 1).contiguous().cpu().numpy()


@torch.no_grad()
def embed_images(network: EmbeddingNetwork, images: NDArray[np.uint8],
                 device: str = 'cpu') -> NDArray[np.float32]:
    """Return the features of images.

    Parameters
    ----------
    network : EmbeddingNetwork
        Re-ID network.
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    device : str
        Device of the network, such as `cpu` or `cuda:0`.

    Returns
    -------
    NDArray
        Shape (n, d), float32, rows of unit length.
    """
    batches = [network.embed(to_crops(images[start:start + BATCH], device)).cpu().numpy()
               for start in range(0, len(images), BATCH)]
    return np.concatenate(batches).astype(np.float32)
