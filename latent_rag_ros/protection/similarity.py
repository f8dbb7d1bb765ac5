"""How alike two batches of 8-bit images are: PSNR and SSIM, per image, fast enough per frame."""
from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

WINDOW_PX, WINDOW_SIGMA_PX = 11, 1.5


def psnr_of(images: Tensor, others: Tensor) -> Tensor:
    """Return the PSNR of each pair of float images (n, c, h, w) in 0..1 in dB, shape (n,).

    99 for identical images. Gradients flow through.
    """
    error = (images - others).square().flatten(1).mean(1)
    return (-10 * torch.log10(error.clamp(min=1e-12))).clamp(max=99)


def psnr_db(images: Tensor, others: Tensor) -> Tensor:
    """Return the PSNR of each pair in dB, shape (n,); 99 for identical images.

    Both have shape (n, 3, h, w), dtype uint8; the peak is 255.
    """
    return psnr_of(images.float() / 255, others.float() / 255)


@lru_cache(maxsize=8)
def _averaging(length_px: int, device: torch.device) -> Tensor:
    """Return the matrix that takes gaussian means along a side, (length_px - 10, length_px)."""
    position = torch.arange(WINDOW_PX, dtype=torch.float32) - WINDOW_PX // 2
    weights = torch.exp(-position.square() / (2 * WINDOW_SIGMA_PX ** 2))
    matrix = torch.zeros(length_px - WINDOW_PX + 1, length_px)
    for row in range(len(matrix)):
        matrix[row, row:row + WINDOW_PX] = weights / weights.sum()
    return matrix.to(device)


def _blur(x: Tensor) -> Tensor:
    """Return the local means of x (..., h, w) where the whole window fits.

    The gaussian window is separable; two products with banded matrices take half the time of a
    convolution that has a single channel.
    """
    height_px, width_px = x.shape[-2:]
    return _averaging(height_px, x.device) @ (x @ _averaging(width_px, x.device).t())


def ssim_of(images: Tensor, others: Tensor) -> Tensor:
    """Return the SSIM of each pair of float images in 0..1, shape (n,) (Wang et al., 2004).

    Gaussian window 11 x 11, sigma 1.5. Both have shape (n, c, h, w), at least 11 pixels high and
    wide; the mean over channels and over the positions where the whole window fits. Gradients
    flow through.
    """
    a, b = images, others
    mean_a, mean_b, squares, product = _blur(torch.stack([a, b, a * a + b * b, a * b]))
    variances = squares - mean_a ** 2 - mean_b ** 2
    covariance = product - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + 0.01 ** 2) / (mean_a ** 2 + mean_b ** 2 + 0.01 ** 2)
    structure = (2 * covariance + 0.03 ** 2) / (variances + 0.03 ** 2)
    return (luminance * structure).flatten(1).mean(1)


def ssim(images: Tensor, others: Tensor) -> Tensor:
    """Return the SSIM of each pair, shape (n,); see `ssim_of`.

    Both have shape (n, 3, h, w), dtype uint8, at least 11 pixels high and wide.
    """
    return ssim_of(images.float() / 255, others.float() / 255)
