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

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task, fingerprint
from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget, Images
from latent_rag_ros.evaluation.attacks.pairs import validation_rows
from latent_rag_ros.evaluation.embedding import to_crops
from latent_rag_ros.training.augmentation import jitter_box

BLOCK_PX = 4
INFERENCE_BATCH = 64


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


class AttributeNetAttacker:
    """Learns one attribute from pairs; see `interface.AttributeAttacker`.

    Parameters
    ----------
    name : str
        Key in the results.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, name: str, device: str = 'cpu') -> None:
        self.name, self.device = name, device
        self._fitted: nn.Module | None = None

    def fit(self, pairs: AttackPairs, labels: NDArray[np.int64], budget: Budget,
            directory: Path) -> None:
        """Train from scratch on protected pictures and one label (n,), 0 or more, for each.

        A tenth of the people is kept for validation.
        """
        apart = validation_rows(pairs.identities, budget.seed)
        training, validation = np.flatnonzero(~apart), np.flatnonzero(apart)
        torch.manual_seed(budget.seed)
        network = AttributeNetwork(int(labels.max()) + 1).to(
            self.device, memory_format=torch.channels_last)

        def loss(network: nn.Module, rows: NDArray[np.int64], changed: bool) -> Tensor:
            crops = to_crops(pairs.protected[rows], self.device)
            wanted = torch.from_numpy(labels[rows]).to(self.device)
            return functional.cross_entropy(
                self._logits(network, moved(crops) if changed else crops), wanted)

        task = Task(len(training), lambda network, rows: loss(network, training[rows], True),
                    lambda network: float(loss(network, validation, False)),
                    batch=48, learning_rate=3e-3)
        name = f'{self.name}-{fingerprint(budget, pairs.protected, labels)}'
        self._fitted = BestTraining(network, task, budget, directory, name).run()

    @torch.no_grad()
    def predict(self, protected: Images) -> NDArray[np.int64]:
        """Return the label of every picture, shape (n,); raises `RuntimeError` before `fit`."""
        if self._fitted is None:
            raise RuntimeError(f'{self.name} has not been trained; call fit first')
        logits = [self._logits(self._fitted, to_crops(protected[start:start + INFERENCE_BATCH],
                                                      self.device))
                  for start in range(0, len(protected), INFERENCE_BATCH)]
        return torch.cat(logits).argmax(1).cpu().numpy()

    def _logits(self, network: nn.Module, crops: Tensor) -> Tensor:
        crops = crops.contiguous(memory_format=torch.channels_last)
        with torch.autocast(crops.device.type, torch.bfloat16):
            return network(crops).float()
