"""The encoder E_w: a person image becomes a W+ code, w = w_avg + delta. Used offline only.

It makes the codes of the retrieval store. The query is never encoded at run time: input and
latent stay decoupled (Latent-RAG, method step 2).
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS
from latent_rag_ros.weights.tensors import load_network

AVERAGE_CODE_SEED = 3
FIRST_LAYERS = (5, 3, 1, 0)
"""First row of the code that each scale adds to: 32 x 16, 16 x 8, 8 x 4 and 4 x 2 pixels."""


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                         nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


def _head(inputs: int, channels: int, positions: int, first_layer: int) -> nn.Sequential:
    """Return what turns a map of (inputs, positions) into the rows from `first_layer` on."""
    linear = nn.Linear(channels * positions, (LAYERS - first_layer) * CODE_DIMENSION)
    nn.init.normal_(linear.weight, std=0.01)
    return nn.Sequential(nn.Conv2d(inputs, channels, 1), nn.Flatten(), linear)


class Encoder(nn.Module):
    """The inversion network E_w, 2.72 M parameters: a scale speaks for its layers and finer."""

    def __init__(self) -> None:
        super().__init__()
        self.scales = nn.ModuleList([
            nn.Sequential(_block(3, 32, 2), _block(32, 64, 2), _block(64, 64)),  # (n, 64, 32, 16)
            nn.Sequential(_block(64, 96, 2), _block(96, 96)),                    # (n, 96, 16, 8)
            nn.Sequential(_block(96, 144, 2), _block(144, 144)),                 # (n, 144, 8, 4)
            _block(144, 160, 2)])                                                # (n, 160, 4, 2)
        self.heads = nn.ModuleList(
            [_head(*sizes, first) for sizes, first in zip(
                ((64, 3, 512), (96, 8, 128), (144, 20, 32), (160, 128, 8)), FIRST_LAYERS)])
        seeded = torch.Generator().manual_seed(AVERAGE_CODE_SEED)
        self.register_buffer('average_code', torch.randn(LAYERS, CODE_DIMENSION, generator=seeded))

    def offsets(self, crops: Tensor) -> Tensor:
        """Return delta, shape (n, 10, 64), for crops (n, 3, 128, 64), RGB in 0..1."""
        x, offsets = (crops - 0.45) / 0.25, 0
        for scale, head, first in zip(self.scales, self.heads, FIRST_LAYERS):
            x = scale(x)
            rows = head(x).view(-1, LAYERS - first, CODE_DIMENSION)
            offsets = offsets + functional.pad(rows, (0, 0, first, 0))
        return offsets

    def forward(self, crops: Tensor) -> Tensor:
        """Return W+ codes, shape (n, 10, 64), for crops (n, 3, 128, 64), RGB in 0..1."""
        return self.average_code + self.offsets(crops)


def load_encoder(path: Path, device: str = 'cpu') -> Encoder:
    """Load an encoder from a safetensors file, frozen and in evaluation mode.

    Raises `WeightsError` when the file holds something else.
    """
    return load_network(Encoder(), path, device)
