"""The building blocks of the face networks: modulated residual blocks and attention."""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUP_CHANNELS = 8


def normalisation(channels: int) -> nn.GroupNorm:
    """Return a group normalisation with 8 channels a group."""
    return nn.GroupNorm(max(1, channels // GROUP_CHANNELS), channels)


class ResidualBlock(nn.Module):
    """Two convolutions around a modulation; identity at the start of training.

    Modulation is adaptive group normalisation (Dhariwal and Nichol, NeurIPS 2021, section 3):
    AdaGN(h, y) = y_s GroupNorm(h) + y_b, with y a linear map of the condition.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    condition : int
        Length of the condition; 0 for none.
    """

    def __init__(self, inputs: int, outputs: int, condition: int = 0) -> None:
        super().__init__()
        self.first = nn.Sequential(normalisation(inputs), nn.SiLU(),
                                   nn.Conv2d(inputs, outputs, 3, padding=1))
        self.norm = normalisation(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        self.modulation = nn.Linear(condition, 2 * outputs) if condition else None
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map x (n, inputs, h, w) and a condition (n, d) to (n, outputs, h, w)."""
        y = self.norm(self.first(x))
        if self.modulation is not None:
            scale, shift = self.modulation(condition)[:, :, None, None].chunk(2, 1)
            y = y * (1 + scale) + shift
        return self.shortcut(x) + self.second(functional.silu(y))


class SelfAttention(nn.Module):
    """Every place of a small map looks at every other one; identity at the start of training."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = normalisation(channels)
        self.project = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        n, channels, height, width = x.shape
        parts = self.project(self.norm(x)).view(n, 3, self.heads, channels // self.heads, -1)
        query, key, value = parts.transpose(3, 4).unbind(1)          # (n, heads, h w, d)
        y = functional.scaled_dot_product_attention(query, key, value)
        return x + self.out(y.transpose(2, 3).reshape(n, channels, height, width))


def upsampled(x: Tensor) -> Tensor:
    """Return a map of twice the height and width, nearest neighbour."""
    return functional.interpolate(x, scale_factor=2, mode='nearest')


def time_features(times: Tensor, length: int) -> Tensor:
    """Return sines and cosines (n, length) of time steps (n,) at geometric frequencies."""
    half = length // 2
    frequencies = torch.exp(-math.log(10_000) * torch.arange(half, device=times.device) / half)
    angles = times.float()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], 1)
