"""What every recovery attacker shares: evidence in, a guess of the original out.

The guess is *mean original + gain * (protected - mean protected) + network(evidence)*. Before
training it is the mean image of the attacker's own people, so an attacker that learns nothing
stands at the floor and not below it.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task, fingerprint
from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget, Images
from latent_rag_ros.evaluation.embedding import to_crops, to_images
from latent_rag_ros.evaluation.metrics import psnr_db

INFERENCE_BATCH = 64
VALIDATION_PICTURES = 160

GAIN_UNIT = 10.0
"""The share of the protected picture is learned this much faster than the weights."""


@dataclass(frozen=True)
class Evidence:
    """What an attacker's network looks at.

    Parameters
    ----------
    pictures : NDArray
        Shape (n, 128, 64, 3 k), uint8: the protected picture, then k - 1 others.
    numbers : NDArray, optional
        Shape (n, d), float32.
    """

    pictures: NDArray[np.uint8]
    numbers: NDArray[np.float32] | None = None

    def batch(self, rows: NDArray[np.int64] | slice, device: str) -> tuple[Tensor, Tensor | None]:
        """Return pictures (batch, 3 k, 128, 64) in 0..1 and numbers (batch, d) of some rows."""
        pictures = to_crops(self.pictures[rows], device)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        if self.numbers is None:
            return pictures, None
        return pictures, torch.from_numpy(self.numbers[rows]).to(device)


def psnr_loss(guess: Tensor, originals: Tensor) -> Tensor:
    """Return the negative mean PSNR of pictures (n, 3, h, w) in 0..1, in bel."""
    return (guess - originals).square().mean((1, 2, 3)).add(1e-6).log10().mean()


def mirrored(pictures: Tensor, numbers: Tensor | None,
             originals: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
    """Return a batch with half of its pairs mirrored, evidence and original (n, c, h, w) alike."""
    flipped = (torch.rand(len(pictures)) < 0.5).view(-1, 1, 1, 1).to(pictures.device)
    pictures, originals = (torch.where(flipped, images.flip(3), images)
                           for images in (pictures, originals))
    return pictures, numbers, originals


class GuessNetwork(nn.Module):
    """Adds what the network draws to the mean original and a share of the protected picture.

    Parameters
    ----------
    network : nn.Module
        Maps evidence (and numbers) to pictures (n, 3, h, w); gives 0 before training.
    pairs : AttackPairs
        Whose means count.
    """

    def __init__(self, network: nn.Module, pairs: AttackPairs) -> None:
        super().__init__()
        self.network = network
        self.gain = nn.Parameter(torch.zeros(3, 1, 1))
        for name, images in (('protected', pairs.protected), ('original', pairs.originals)):
            mean = torch.from_numpy(images.mean(0, dtype=np.float64)).permute(2, 0, 1).float()
            self.register_buffer(f'mean_{name}', mean / 255)

    def forward(self, pictures: Tensor, numbers: Tensor | None = None) -> Tensor:
        """Return guesses (n, 3, h, w) from evidence pictures (n, 3 k, h, w), numbers (n, d)."""
        with torch.autocast(pictures.device.type, torch.bfloat16):
            drawn = (self.network(pictures) if numbers is None
                     else self.network(pictures, numbers)).float()
        seen = pictures[:, :3] - self.mean_protected
        return self.mean_original + GAIN_UNIT * self.gain * seen + drawn


class Recoverer:
    """A recovery attacker: trains a network from evidence to original pictures.

    Parameters
    ----------
    name : str
        Key in the results.
    make_network : Callable
        Makes a fresh network for `GuessNetwork`; is given the length of the numbers.
    loss : Callable
        Of guesses and originals, both (n, 3, h, w) in 0..1.
    device : str
        `cpu` or `cuda:N`.
    """

    batch = 24

    def __init__(self, name: str, make_network: Callable[[int], nn.Module],
                 loss: Callable[[Tensor, Tensor], Tensor] = functional.l1_loss,
                 device: str = 'cpu') -> None:
        self.name, self.device = name, device
        self._make_network, self._loss = make_network, loss
        self._fitted: nn.Module | None = None
        self.validation_losses: list[float] = []
        """Learning curve of the last training, see `BestTraining`."""

    def evidence(self, protected: Images,
                 identities: NDArray[np.int64] | None = None) -> Evidence:
        """Return what the network sees of pictures (n, 128, 64, 3); identities (n,) if known."""
        return Evidence(protected)

    def own_pairs(self, pairs: AttackPairs, validation: AttackPairs,
                  directory: Path) -> tuple[AttackPairs, AttackPairs]:
        """Return the pairs to train on and to choose by: by default those that were given."""
        return pairs, validation

    def fit(self, pairs: AttackPairs, validation: AttackPairs, budget: Budget,
            directory: Path) -> None:
        """Train from scratch; see `interface.RecoveryAttacker`."""
        pairs, validation = self.own_pairs(pairs, validation, directory)
        self.learn(pairs)
        seen, seen_there = (self.evidence(each.protected, each.identities)
                            for each in (pairs, validation))
        few = slice(0, VALIDATION_PICTURES)
        torch.manual_seed(budget.seed)
        numbers = 0 if seen.numbers is None else seen.numbers.shape[1]
        network = GuessNetwork(self._make_network(numbers), pairs).to(
            self.device, memory_format=torch.channels_last)
        task = Task(
            len(pairs), lambda network, rows: self.batch_loss(
                network, *mirrored(*seen.batch(rows, self.device),
                                   to_crops(pairs.originals[rows], self.device))),
            lambda network: -float(psnr_db(self.drawn(network, seen_there, few),
                                           validation.originals[few]).mean()), self.batch)
        name = f'{self.name}-{fingerprint(budget, pairs.protected, pairs.originals)}'
        training = BestTraining(network, task, budget, directory, name)
        self._fitted, self.validation_losses = training.run(), training.validation_losses

    def learn(self, pairs: AttackPairs) -> None:
        """Remember what `evidence` needs of the training pairs: by default nothing."""

    def batch_loss(self, network: nn.Module, pictures: Tensor, numbers: Tensor | None,
                   originals: Tensor) -> Tensor:
        """Return the loss of one batch of evidence and originals (n, 3, 128, 64)."""
        return self._loss(network(pictures, numbers), originals)

    def guess(self, network: nn.Module, pictures: Tensor, numbers: Tensor | None) -> Tensor:
        """Return guesses (n, 3, 128, 64) in about 0..1 for one batch of evidence."""
        return network(pictures, numbers)

    @torch.no_grad()
    def drawn(self, network: nn.Module, evidence: Evidence, rows: slice = slice(None)) -> Images:
        """Return the guesses of a network as 8-bit pictures (n, 128, 64, 3)."""
        chosen = np.arange(len(evidence.pictures))[rows]
        parts = []
        for start in range(0, len(chosen), INFERENCE_BATCH):
            batch = evidence.batch(chosen[start:start + INFERENCE_BATCH], self.device)
            parts.append((self.guess(network, *batch) * 255).round().clamp(0, 255).byte())
        return to_images(torch.cat(parts))

    def recover(self, protected: Images) -> Images:
        """Return a guess of every original; raises `RuntimeError` before `fit`."""
        return self.recovered(self.evidence(protected))

    def recovered(self, evidence: Evidence) -> Images:
        """Return a guess from evidence; raises `RuntimeError` before `fit`."""
        if self._fitted is None:
            raise RuntimeError(f'{self.name} has not been trained; call fit first')
        return self.drawn(self._fitted, evidence)
