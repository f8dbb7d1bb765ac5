"""The re-ID embedder E: a person crop becomes an identity feature f = E(x).

A small residual network with instance-batch normalisation (IBN-Net, Pan et al., ECCV 2018),
generalised-mean pooling of the whole body and of three overlapping parts, and a BNNeck
(Luo et al., CVPRW 2019): the triplet loss sees the feature before the last normalisation, the
cosine and the classifier the one after it.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.weights.tensors import load_network

CROP_HEIGHT_PX, CROP_WIDTH_PX = 128, 64
FEATURE_DIMENSION = 256
BODY_PARTS = ((0, 16), (0, 5), (4, 11), (9, 16))
"""Rows of the 16 x 8 feature map: whole body, head and shoulders, torso, legs."""


class InstanceBatchNorm(nn.Module):
    """Half of the channels by instance statistics (style is removed), half by batch statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split = channels // 2
        self.instance = nn.InstanceNorm2d(self.split, affine=True)
        self.batch = nn.BatchNorm2d(channels - self.split)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise `x`, shape (n, channels, height, width)."""
        return torch.cat([self.instance(x[:, :self.split]), self.batch(x[:, self.split:])], 1)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, ibn: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = InstanceBatchNorm(outputs) if ibn else nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                          nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y = functional.relu(self.first_norm(self.first(x)))
        return functional.relu(self.shortcut(x) + self.second_norm(self.second(y)))


class Embedder(nn.Module):
    """The authorised re-ID network E, 0.8 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 5, 2, 2, bias=False), InstanceBatchNorm(24),
                                  nn.ReLU(), nn.MaxPool2d(2))               # (n, 24, 32, 16)
        self.blocks = nn.ModuleList([
            ResidualBlock(24, 40), ResidualBlock(40, 80, stride=2),         # (n, 80, 16, 8)
            ResidualBlock(80, 144), ResidualBlock(144, 144, ibn=False)])    # (n, 144, 16, 8)
        self.pool_power = nn.Parameter(torch.tensor(3.0))
        width = FEATURE_DIMENSION // len(BODY_PARTS)
        self.reduce = nn.ModuleList([nn.Linear(144, width) for _ in BODY_PARTS])
        self.neck = nn.BatchNorm1d(FEATURE_DIMENSION)

    def feature_maps(self, crops: Tensor) -> list[Tensor]:
        """Return the maps after the stem and every block, for the feature loss of the generator.

        `crops` has shape (n, 3, 128, 64), RGB in 0..1.
        """
        maps = [self.stem((crops - 0.45) / 0.25)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps

    def before_neck(self, last_map: Tensor) -> Tensor:
        """Pool the last map, shape (n, 144, 16, 8), to the feature before the BNNeck, (n, 256)."""
        powered = last_map.clamp(min=1e-5) ** self.pool_power
        pooled = [powered[:, :, top:bottom].mean((2, 3)) ** (1 / self.pool_power)
                  for top, bottom in BODY_PARTS]
        return torch.cat([reduce(part) for reduce, part in zip(self.reduce, pooled)], 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Return the feature after the BNNeck, shape (n, 256), not normalised."""
        return self.neck(self.before_neck(self.feature_maps(crops)[-1]))

    def embed(self, crops: Tensor) -> Tensor:
        """Return identity features, shape (n, 256), L2 norm 1.

        Parameters
        ----------
        crops : Tensor
            Shape (n, 3, 128, 64), float, RGB in 0..1. Gradients flow through.
        """
        return functional.normalize(self(crops).float())


def load_embedder(path: Path, device: str = 'cpu') -> Embedder:
    """Load an embedder from a safetensors file, frozen and in evaluation mode.

    Raises `WeightsError` when the file holds something else.
    """
    return load_network(Embedder(), path, device)
