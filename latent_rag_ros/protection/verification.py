"""The last look at every patch: unlike the input and still the same identity, else it is solid."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latent_rag_ros.identity.embedder import Embedder
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


@torch.no_grad()
def verify(patches: Tensor, crops: Tensor, features: Tensor, embedder: Embedder,
           limits: Limits) -> Verification:
    """Measure 8-bit patches against the raw crops.

    Parameters
    ----------
    patches, crops : Tensor
        Shape (n, 3, h, w), uint8, RGB.
    features : Tensor
        Identity features of the crops, shape (n, d); rows of NaN where there is none.
    """
    cosine = (embedder.embed(patches.float() / 255) * features).sum(1)
    figures = psnr_db(patches, crops), ssim(patches, crops)
    without_feature = features.isnan().any(1)
    # comparisons with NaN are false: a figure that could not be computed never passes
    passed = ((figures[0] <= limits.psnr_db_max) & (figures[1] <= limits.ssim_max)
              & ((cosine >= limits.cosine_min) | without_feature))
    return Verification(cosine, *figures, passed)
