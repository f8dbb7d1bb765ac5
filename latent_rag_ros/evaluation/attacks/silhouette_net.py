"""Reads the silhouette of the original person off the protected picture by a U-Net."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget, Images
from latent_rag_ros.evaluation.attacks.picture_reader import PictureReader
from latent_rag_ros.evaluation.attacks.unet import UNet


class MaskNetwork(nn.Module):
    """Adds what a U-Net sees to the logit of the mean mask, shape (128, 64), values in 0..1."""

    def __init__(self, mean_mask: NDArray[np.float64]) -> None:
        super().__init__()
        self.unet = UNet(3, 1)
        self.register_buffer('prior', torch.from_numpy(mean_mask).float().logit(1e-3))

    def forward(self, crops: Tensor) -> Tensor:
        """Return the logits (n, 128, 64) of crops (n, 3, 128, 64), RGB in 0..1."""
        return self.prior + self.unet(crops)[:, 0].float()


class SilhouetteAttacker(PictureReader):
    """Learns where the person was; before training it draws the attacker's mean mask.

    Parameters
    ----------
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, device: str = 'cpu') -> None:
        super().__init__('silhouette_net', device)

    def make_network(self, wanted: NDArray[np.bool_], training: NDArray[np.int64]) -> nn.Module:
        """Return a network that starts from the mean mask of the training people."""
        return MaskNetwork(wanted[training].mean(0))

    def loss(self, outputs: Tensor, wanted: NDArray[np.bool_]) -> Tensor:
        """Return the cross entropy of logits and masks, both (n, 128, 64)."""
        masks = torch.from_numpy(wanted).float().to(outputs.device)
        return functional.binary_cross_entropy_with_logits(outputs, masks)

    def fit(self, pairs: AttackPairs, masks: NDArray[np.bool_], budget: Budget,
            directory: Path) -> None:
        """Train from scratch on protected pictures and the masks (n, 128, 64) of the originals."""
        self.train(pairs, masks, budget, directory)

    def predict(self, protected: Images) -> NDArray[np.bool_]:
        """Return the masks of pictures, (n, 128, 64); raises `RuntimeError` before `fit`."""
        return (self.outputs(protected) > 0).cpu().numpy()
