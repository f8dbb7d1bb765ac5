"""The last look at every patch: unlike the input and still the same identity, else it is solid."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latent_rag_ros.protection.similarity import psnr_db, ssim


@dataclass(frozen=True)
class Limits:
    """A patch passes below the first two and above the last one."""

    psnr_db_max: float
    ssim_max: float
    cosine_min: float


@dataclass(frozen=True)
class Verification:
    """Figures of a batch of 8-bit patches, each of shape (n,).

    `cosine` is NaN where the person had no feature to compare with; there it does not count.
    """

    cosine: Tensor
    psnr_db: Tensor
    ssim: Tensor
    passed: Tensor

    def part(self, rows: Tensor) -> Verification:
        """Return the figures of `rows`, int64 or bool."""
        return Verification(*(values[rows] for values in vars(self).values()))

    def with_rows(self, rows: Tensor, others: Verification) -> Verification:
        """Return a copy in which the figures of `rows`, (m,) int64, are those of `others`."""
        return Verification(*(mine.index_copy(0, rows, new) for mine, new in zip(
            vars(self).values(), vars(others).values())))


@torch.no_grad()
def verify(patches: Tensor, crops: Tensor, features: Tensor, reached: Tensor,
           limits: Limits) -> Verification:
    """Measure 8-bit patches against the raw crops.

    Parameters
    ----------
    patches, crops : Tensor
        Shape (n, 3, h, w), uint8, RGB.
    features : Tensor
        Identity features of the crops, shape (n, d); rows of NaN where there is none.
    reached : Tensor
        Identity features of the patches, shape (n, d).
    """
    cosine = (reached * features).sum(1)
    figures = psnr_db(patches, crops), ssim(patches, crops)
    without_feature = features.isnan().any(1)
    # comparisons with NaN are false: a figure that could not be computed never passes
    passed = ((figures[0] <= limits.psnr_db_max) & (figures[1] <= limits.ssim_max)
              & ((cosine >= limits.cosine_min) | without_feature))
    return Verification(cosine, *figures, passed)
