"""How far a picture of a face is from the one it should be."""
from __future__ import annotations

from torch import Tensor
from torch.nn import functional

POOLED_WEIGHT, EDGE_WEIGHT = 0.5, 0.5


def picture_loss(found: Tensor, wanted: Tensor) -> Tensor:
    """Return L1 of pixels, of 4 x 4 means and of differences between neighbours, a scalar.

    `found` and `wanted` have shape (n, 3, h, w).
    """
    difference = found - wanted
    pooled = functional.avg_pool2d(difference, 4)
    edges = ((difference[..., 1:] - difference[..., :-1]).abs().mean()
             + (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean())
    return difference.abs().mean() + POOLED_WEIGHT * pooled.abs().mean() + EDGE_WEIGHT * edges
