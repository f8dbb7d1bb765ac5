"""A second re-ID network of another family, never inside a protection loss: it only measures.

Plain batch normalisation, grouped convolutions, SiLU, average and maximum pooling, 192 numbers.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class GroupedBlock(nn.Module):
    """A full and a grouped 3 x 3 convolution with a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, groups=4, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if inputs != outputs or stride > 1:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                          nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y = functional.silu(self.first_norm(self.first(x)))
        return functional.silu(self.shortcut(x) + self.second_norm(self.second(y)))


class UnseenEmbedder(nn.Module):
    """The evaluation network U, 0.6 M parameters."""

    def __init__(self, dimension: int = 192) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32),
                                  nn.SiLU())                                # (n, 32, 64, 32)
        self.blocks = nn.Sequential(GroupedBlock(32, 48, 2), GroupedBlock(48, 96, 2),
                                    GroupedBlock(96, 128), GroupedBlock(128, 160, 2))
        self.reduce = nn.Linear(320, dimension)                             # after (n, 160, 8, 4)
        self.neck = nn.BatchNorm1d(dimension)

    def feature_maps(self, crops: Tensor) -> list[Tensor]:
        """Return the last map as a list of one, shape (n, 160, 8, 4); crops are RGB in 0..1."""
        return [self.blocks(self.stem((crops - 0.45) / 0.25))]

    def before_neck(self, last_map: Tensor) -> Tensor:
        """Pool the last map to the feature before the BNNeck, shape (n, dimension)."""
        pooled = torch.cat([last_map.mean((2, 3)), last_map.amax((2, 3))], 1)
        return self.reduce(pooled)

    def embed(self, crops: Tensor) -> Tensor:
        """Return features of (n, 3, 128, 64) RGB crops in 0..1: (n, dimension), L2 norm 1."""
        neck = self.neck(self.before_neck(self.feature_maps(crops)[-1]))
        return functional.normalize(neck.float())
