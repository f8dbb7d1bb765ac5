"""Reads an attribute off protected pictures, such as the colour of the shirt, by a small network.

Attributes of clothes need no sharp pictures: learned 4 x 4 blocks and the mean colour of each
block enter, four small convolutions and a head follow.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget, Images
from latent_rag_ros.evaluation.attacks.picture_reader import PictureReader
from latent_rag_ros.training.augmentation import jitter_box

BLOCK_PX = 4


class AttributeNetwork(nn.Module):
    """A small classifier of pictures (n, 3, 128, 64), RGB in 0..1."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.blocks = nn.Conv2d(3, 29, BLOCK_PX, BLOCK_PX)                  # (n, 29, 32, 16)
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((32, 48, 2), (48, 64, 1), (64, 96, 2), (96, 96, 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                       nn.BatchNorm2d(outputs), nn.SiLU()]
        self.layers = nn.Sequential(*layers)                                # (n, 96, 8, 4)
        # rows of the body stay apart: a shirt is not where trousers are
        self.reduce = nn.Sequential(nn.AdaptiveAvgPool2d((8, 1)), nn.Flatten(), nn.Dropout(0.3))
        self.head = nn.Linear(8 * 96, classes)

    def forward(self, crops: Tensor) -> Tensor:
        """Return logits, shape (n, classes)."""
        crops = crops - 0.5
        x = torch.cat([self.blocks(crops), functional.avg_pool2d(crops, BLOCK_PX)], 1)
        return self.head(self.reduce(self.layers(x)))


def moved(crops: Tensor) -> Tensor:
    """Return crops (n, 3, 128, 64), half of them flipped, all cut a little differently."""
    flipped = (torch.rand(len(crops)) < 0.5).view(-1, 1, 1, 1).to(crops.device)
    return jitter_box(torch.where(flipped, crops.flip(3), crops), 0.04, 0.08, 0.04)


class AttributeNetAttacker(PictureReader):
    """Learns one attribute from pairs; see `interface.AttributeAttacker`."""

    batch, learning_rate = 48, 3e-3

    def make_network(self, wanted: NDArray[np.int64], training: NDArray[np.int64]) -> nn.Module:
        """Return a classifier with as many classes as there are labels."""
        return AttributeNetwork(int(wanted.max()) + 1)

    def loss(self, outputs: Tensor, wanted: NDArray[np.int64]) -> Tensor:
        """Return the cross entropy of logits (n, classes) and labels (n,)."""
        return functional.cross_entropy(outputs, torch.from_numpy(wanted).to(outputs.device))

    def varied(self, crops: Tensor) -> Tensor:
        """Return crops flipped and cut at random, see `moved`."""
        return moved(crops)

    def fit(self, pairs: AttackPairs, labels: NDArray[np.int64], budget: Budget,
            directory: Path) -> None:
        """Train from scratch on protected pictures and one label (n,), 0 or more, for each."""
        self.train(pairs, labels, budget, directory)

    def predict(self, protected: Images) -> NDArray[np.int64]:
        """Return the label of every picture, shape (n,); raises `RuntimeError` before `fit`."""
        return self.outputs(protected).argmax(1).cpu().numpy()
