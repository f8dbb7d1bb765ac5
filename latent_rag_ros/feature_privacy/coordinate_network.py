"""The network of every attacker: from numbers to the coordinates of a picture."""
from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTH = 512


class CoordinateNetwork(nn.Module):
    """A fixed linear guess and what two hidden layers add to it, 0 before training.

    Parameters
    ----------
    linear : Tensor
        Shape (d, k): the guess from features alone, such as `attacker.Material.linear`.
    scale : Tensor
        Shape (k,): standard deviation of each output.
    others : int
        Numbers beside the features, such as noise or a time.
    dropout : float
        Share of the hidden numbers that is left out in training.
    """

    def __init__(self, linear: Tensor, scale: Tensor, others: int = 0,
                 dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer('linear', linear)
        self.register_buffer('scale', scale)
        self.layers = nn.Sequential(
            nn.Linear(len(linear) + others, WIDTH), nn.LayerNorm(WIDTH), nn.SiLU(),
            nn.Dropout(dropout), nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH), nn.SiLU(),
            nn.Dropout(dropout), nn.Linear(WIDTH, len(scale)))
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, features: Tensor, *others: Tensor) -> Tensor:
        """Map features (n, d) and other numbers (n, ...) to coordinates (n, k)."""
        return features @ self.linear + self.scale * self.layers(torch.cat([features, *others], 1))
