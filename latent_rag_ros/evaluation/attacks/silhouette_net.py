"""Reads the silhouette of the original person off the protected picture by a U-Net."""
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
from latent_rag_ros.evaluation.attacks.unet import UNet
from latent_rag_ros.evaluation.embedding import to_crops

INFERENCE_BATCH = 64


class MaskNetwork(nn.Module):
    """Adds what a U-Net sees to the logit of the mean mask, shape (128, 64), values in 0..1."""

    def __init__(self, mean_mask: NDArray[np.float64]) -> None:
        super().__init__()
        self.unet = UNet(3, 1)
        self.register_buffer('prior', torch.from_numpy(mean_mask).float().logit(1e-3))

    def forward(self, crops: Tensor) -> Tensor:
        """Return the logits (n, 128, 64) of crops (n, 3, 128, 64), RGB in 0..1."""
        return self.prior + self.unet(crops)[:, 0].float()


class SilhouetteAttacker:
    """Learns where the person was; before training it draws the attacker's mean mask.

    Parameters
    ----------
    device : str
        `cpu` or `cuda:N`.
    """

    name = 'silhouette_net'

    def __init__(self, device: str = 'cpu') -> None:
        self.device = device
        self._fitted: nn.Module | None = None

    def fit(self, pairs: AttackPairs, masks: NDArray[np.bool_], budget: Budget,
            directory: Path) -> None:
        """Train from scratch on protected pictures and the masks (n, 128, 64) of the originals.

        A tenth of the people is kept for validation.
        """
        apart = validation_rows(pairs.identities, budget.seed)
        training, validation = np.flatnonzero(~apart), np.flatnonzero(apart)
        torch.manual_seed(budget.seed)
        network = MaskNetwork(masks[training].mean(0)).to(
            self.device, memory_format=torch.channels_last)

        def loss(network: nn.Module, rows: NDArray[np.int64]) -> Tensor:
            wanted = torch.from_numpy(masks[rows]).float().to(self.device)
            return functional.binary_cross_entropy_with_logits(
                self._logits(network, pairs.protected[rows]), wanted)

        task = Task(len(training), lambda network, rows: loss(network, training[rows]),
                    lambda network: float(loss(network, validation)))
        name = f'{self.name}-{fingerprint(budget, pairs.protected, masks)}'
        self._fitted = BestTraining(network, task, budget, directory, name).run()

    @torch.no_grad()
    def predict(self, protected: Images) -> NDArray[np.bool_]:
        """Return the masks of pictures, (n, 128, 64); raises `RuntimeError` before `fit`."""
        if self._fitted is None:
            raise RuntimeError(f'{self.name} has not been trained; call fit first')
        logits = [self._logits(self._fitted, protected[start:start + INFERENCE_BATCH])
                  for start in range(0, len(protected), INFERENCE_BATCH)]
        return (torch.cat(logits) > 0).cpu().numpy()

    def _logits(self, network: nn.Module, pictures: Images) -> Tensor:
        crops = to_crops(pictures, self.device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(crops.device.type, torch.bfloat16):
            return network(crops)
