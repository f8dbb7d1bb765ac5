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
    balance, light, contrast, saturation, gamma = (
        _uniform(len(crops), half_width, channels).to(crops.device)
        for half_width, channels in ((0.08, 3), (0.25, 1), (0.25, 1), (0.3, 1), (0.25, 1)))
    crops = crops * balance * light
    mean = crops.mean((1, 2, 3), keepdim=True)
    crops = (crops - mean) * contrast + mean
    grey = crops.mean(1, keepdim=True)
    crops = grey + (crops - grey) * saturation
    return crops.clamp(0, 1) ** gamma


def erase_blocks(crops: Tensor, probability: float) -> None:
    """Overwrite one random rectangle in some crops, in place (random erasing, AAAI 2020)."""
    height, width = crops.shape[2:]
    for crop in crops:
        if torch.rand(()) > probability:
            continue
        block_height = int(torch.randint(height // 8, height // 2, ()))
        block_width = int(torch.randint(width // 6, width * 5 // 8, ()))
        top = int(torch.randint(0, height - block_height, ()))
        left = int(torch.randint(0, width - block_width, ()))
        crop[:, top:top + block_height, left:left + block_width] = torch.rand(3, 1, 1).to(crop)


def jitter_box(crops: Tensor, shift: float = 0.08, scale: float = 0.15,
               aspect: float = 0.08) -> Tensor:
    """Cut each crop as a detector with a loose or a tight box would; the border is repeated.

    `shift`, `scale` and `aspect` are the largest changes, as shares of the crop's size.
    """
    count, device = len(crops), crops.device
    zoom, stretch = _uniform(count, scale).view(-1), _uniform(count, aspect).view(-1)
    move = (torch.rand(count, 2) * 2 - 1) * shift * 2
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = zoom * stretch, zoom / stretch
    theta[:, :, 2] = move
    grid = functional.affine_grid(theta.to(device), list(crops.shape), align_corners=False)
    return functional.grid_sample(crops, grid, padding_mode='border', align_corners=False)


def soften(crops: Tensor) -> Tensor:
    """Return the crops as a camera with half as many pixels sees them."""
    return functional.interpolate(functional.avg_pool2d(crops, 2), scale_factor=2,
                                  mode='bilinear')


def augment(crops: Tensor, erase_probability: float = 0.45) -> Tensor:
    """Return changed copies of (n, 3, 128, 64) crops in 0..1 for the training of an embedder.

    `erase_probability` is the share of crops that lose a rectangle.
    """
    count, device = len(crops), crops.device
    flipped = (torch.rand(count) < 0.5).view(-1, 1, 1, 1).to(device)
    crops = torch.where(flipped, crops.flip(3), crops)
    crops = jitter_colour(jitter_box(crops))
    blurred = (torch.rand(count) < 0.3).view(-1, 1, 1, 1).to(device)
    crops = torch.where(blurred, soften(crops), crops)
    erase_blocks(crops, erase_probability)
    return crops
