"""The encoder E_w: a person image becomes a W+ code, w = w_avg + delta. Used offline only.

It makes the codes of the retrieval store. The query is never encoded at run time: input and
latent stay decoupled (Latent-RAG, method step 2).
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, FINE_LAYERS, LAYERS
from latent_rag_ros.weights.tensors import load_network

AVERAGE_CODE_SEED = 3
FINE_COUNT = FINE_LAYERS.stop - FINE_LAYERS.start


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                         nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


class Encoder(nn.Module):
    """The inversion network E_w, 3.2 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.shallow = nn.Sequential(_block(3, 24, 2), _block(24, 48, 2), _block(48, 48, 1),
                                     _block(48, 96, 2), _block(96, 96, 1))  # (n, 96, 16, 8)
        self.deep = nn.Sequential(_block(96, 144, 2), _block(144, 192, 2))  # (n, 192, 4, 2)
        self.all_layers = nn.Linear(192 * 8, LAYERS * CODE_DIMENSION)
        self.fine_layers = nn.Linear(96 * 8, FINE_COUNT * CODE_DIMENSION)
        nn.init.normal_(self.all_layers.weight, std=0.01)
        nn.init.normal_(self.fine_layers.weight, std=0.01)
        seeded = torch.Generator().manual_seed(AVERAGE_CODE_SEED)
        self.register_buffer('average_code', torch.randn(LAYERS, CODE_DIMENSION, generator=seeded))

    def offsets(self, crops: Tensor) -> Tensor:
        """Return delta, shape (n, 10, 128), for crops (n, 3, 128, 64), RGB in 0..1."""
        shallow = self.shallow((crops - 0.45) / 0.25)
        deep = self.all_layers(self.deep(shallow).flatten(1)).view(-1, LAYERS, CODE_DIMENSION)
        rows = functional.adaptive_avg_pool2d(shallow, (8, 1)).flatten(1)
        fine = self.fine_layers(rows).view(-1, FINE_COUNT, CODE_DIMENSION)
        return torch.cat([deep[:, :FINE_LAYERS.start], deep[:, FINE_LAYERS] + fine], 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Return W+ codes, shape (n, 10, 128), for crops (n, 3, 128, 64), RGB in 0..1."""
        return self.average_code + self.offsets(crops)


def load_encoder(path: Path, device: str = 'cpu') -> Encoder:
    """Load an encoder from a safetensors file, frozen and in evaluation mode.

    Raises `WeightsError` when the file holds something else.
    """
    return load_network(Encoder(), path, device)
