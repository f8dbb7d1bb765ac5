"""The same person in front of another street: what makes a crop a person and not a place."""
from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.training.crops import Crops


def swap_backgrounds(crops: Crops, rows: NDArray[np.int64], share: float,
                     random: np.random.Generator) -> Tensor:
    """Return the crops of `rows`, some of them in front of another crop's background.

    The other crop's own person is covered by what is left of this one's background, so nobody
    else appears. Crops without masks stay as they are.

    Parameters
    ----------
    share : float
        Part of the crops that are changed.
    random : numpy.random.Generator
        Draws which crops and which backgrounds.

    Returns
    -------
    Tensor
        Shape (len(rows), 3, 128, 64), float, RGB in 0..1.
    """
    images = crops.tensor(rows)
    if crops.masks is None:
        return images
    donors = random.integers(0, len(crops.images), len(rows))
    swapped = torch.from_numpy(random.random(len(rows)) < share).view(-1, 1, 1, 1)
    person, other = _soft(crops.mask(rows)), _soft(crops.mask(donors))
    background = crops.tensor(donors)
    # where the donor's person stood, its background's mean colour stands now
    mean = (background * (1 - other)).sum((2, 3), keepdim=True) \
        / (1 - other).sum((2, 3), keepdim=True).clamp(min=1)
    background = background * (1 - other) + mean * other
    return torch.where(swapped, images * person + background * (1 - person), images)


def _soft(mask: Tensor) -> Tensor:
    """Return masks (n, 1, h, w) in 0..1 with an edge two pixels wide."""
    return functional.avg_pool2d(mask, 3, 1, 1)
