"""How far a picture of a face is from the one it should be."""
from __future__ import annotations

from torch import Tensor
from torch.nn import functional

POOLED_WEIGHT, EDGE_WEIGHT, DETAIL_WEIGHT = 0.5, 0.5, 4.0


def picture_loss(found: Tensor, wanted: Tensor, detail: Tensor | None = None) -> Tensor:
    """Return L1 of pixels, of 4 x 4 means and of differences between neighbours, a scalar.

    `found` and `wanted` have shape (n, 3, h, w); `detail` (n, 1, h, w) in 0..1 says where eyes and
    mouth are, which are few pixels and most of an expression: pixels there count five times.
    """
    difference = found - wanted
    pooled = functional.avg_pool2d(difference, 4)
    if detail is not None:
        difference = difference * (1 + DETAIL_WEIGHT * detail)
    edges = ((difference[..., 1:] - difference[..., :-1]).abs().mean()
             + (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean())
    return difference.abs().mean() + POOLED_WEIGHT * pooled.abs().mean() + EDGE_WEIGHT * edges
