"""How alike two batches of 8-bit images are: PSNR and SSIM, per image, fast enough per frame."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

WINDOW_PX, WINDOW_SIGMA_PX = 11, 1.5


def psnr_db(images: Tensor, others: Tensor) -> Tensor:
    """Return the PSNR of each pair in dB, shape (n,); 99 for identical images.

    Both have shape (n, 3, h, w), dtype uint8; the peak is 255.
    """
    error = (images.float() - others.float()).square().flatten(1).mean(1)
    return (10 * torch.log10(255 ** 2 / error.clamp(min=1e-12))).clamp(max=99)


def _window() -> Tensor:
    position = torch.arange(WINDOW_PX, dtype=torch.float32) - WINDOW_PX // 2
    weights = torch.exp(-position.square() / (2 * WINDOW_SIGMA_PX ** 2))
    weights = weights / weights.sum()
    return (weights[:, None] * weights[None]).expand(3, 1, -1, -1).contiguous()


def ssim(images: Tensor, others: Tensor) -> Tensor:
    """Return the SSIM of each pair, shape (n,) (Wang et al., 2004: gaussian 11 x 11, sigma 1.5).

    Both have shape (n, 3, h, w), dtype uint8, at least 11 pixels high and wide; the mean over
    channels and over the positions where the whole window fits.
    """
    window = _window().to(images.device)
    a, b = images.float() / 255, others.float() / 255

    def blur(x: Tensor) -> Tensor:
        return functional.conv2d(x, window, groups=3)

    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b = blur(a * a) - mean_a ** 2, blur(b * b) - mean_b ** 2
    covariance = blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + 0.01 ** 2) / (mean_a ** 2 + mean_b ** 2 + 0.01 ** 2)
    structure = (2 * covariance + 0.03 ** 2) / (variance_a + variance_b + 0.03 ** 2)
    return (luminance * structure).flatten(1).mean(1)
