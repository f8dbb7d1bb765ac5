"""Random changes of person crops as a camera makes them: shift, light, colour, blur, occlusion."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def _uniform(count: int, half_width: float, channels: int = 1) -> Tensor:
    """Random factors around 1, shape (count, channels, 1, 1)."""
    return 1 + (torch.rand(count, channels, 1, 1) * 2 - 1) * half_width


def jitter_colour(crops: Tensor) -> Tensor:
    """Change white balance, brightness, contrast, saturation and gamma of (n, 3, h, w) in 0..1."""
    count = len(crops)
    crops = crops * _uniform(count, 0.08, 3) * _uniform(count, 0.25)
    mean = crops.mean((1, 2, 3), keepdim=True)
    crops = (crops - mean) * _uniform(count, 0.25) + mean
    grey = crops.mean(1, keepdim=True)
    crops = grey + (crops - grey) * _uniform(count, 0.3)
    return crops.clamp(0, 1) ** _uniform(count, 0.25)


def erase_blocks(crops: Tensor, probability: float = 0.45) -> None:
    """Overwrite one random rectangle in some crops, in place (random erasing, AAAI 2020)."""
    height, width = crops.shape[2:]
    for crop in crops:
        if torch.rand(()) > probability:
            continue
        block_height = int(torch.randint(height // 8, height // 2, ()))
        block_width = int(torch.randint(width // 6, width * 5 // 8, ()))
        top = int(torch.randint(0, height - block_height, ()))
        left = int(torch.randint(0, width - block_width, ()))
        crop[:, top:top + block_height, left:left + block_width] = torch.rand(3, 1, 1)


def augment(crops: Tensor) -> Tensor:
    """Return changed copies of (n, 3, 128, 64) crops in 0..1 for the training of an embedder."""
    count, _, height, width = crops.shape
    flipped = torch.rand(count) < 0.5
    crops = torch.where(flipped.view(-1, 1, 1, 1), crops.flip(3), crops)
    padded = functional.pad(crops, (4, 4, 8, 8), mode='replicate')
    top, left = int(torch.randint(0, 17, ())), int(torch.randint(0, 9, ()))
    crops = jitter_colour(padded[:, :, top:top + height, left:left + width])
    blurred = functional.interpolate(functional.avg_pool2d(crops, 2), scale_factor=2,
                                     mode='bilinear')
    crops = torch.where((torch.rand(count) < 0.3).view(-1, 1, 1, 1), blurred, crops)
    erase_blocks(crops)
    return crops
