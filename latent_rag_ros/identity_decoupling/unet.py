"""The denoiser of the latent diffusion: attributes come as channels, identity as modulation.

eps(z_t, t, z_id, z_attr) after Ronneberger et al., MICCAI 2015, and Ho et al., NeurIPS 2020. The
identity cannot say where anything is, and the attributes are never modulated by anything else:
that keeps the two conditions apart in the network as well.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity_decoupling.autoencoder import LATENT_CHANNELS
from latent_rag_ros.identity_decoupling.diffusion import levels
from latent_rag_ros.identity_decoupling.encoder import ATTRIBUTE_CHANNELS, IDENTITY_DIMENSION
from latent_rag_ros.identity_decoupling.face_structure import STRUCTURE_CHANNELS
from latent_rag_ros.identity_decoupling.layers import (
    ResidualBlock, SelfAttention, normalisation, time_features, upsampled)
from latent_rag_ros.weights.tensors import load_network

WIDTHS = (80, 112, 144)
"""Channels at 16, 8 and 4 cells."""

CONDITION = 128


class FaceUNet(nn.Module):
    """Predicts the noise in latents (n, 16, 16, 16), by way of their velocity.

    v = a eps - s z_0 (Salimans and Ho, "Progressive Distillation", ICLR 2022, section 4): the
    clean estimate a z_t - s v never divides by a, which is 0.07 where few steps begin.
    """

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = WIDTHS
        self.time = nn.Sequential(nn.Linear(CONDITION, CONDITION), nn.SiLU(),
                                  nn.Linear(CONDITION, CONDITION))
        self.identity = nn.Linear(IDENTITY_DIMENSION, CONDITION)
        self.nobody = nn.Parameter(torch.zeros(IDENTITY_DIMENSION))
        self.stem = nn.Conv2d(LATENT_CHANNELS + ATTRIBUTE_CHANNELS + STRUCTURE_CHANNELS, fine, 3,
                              padding=1)
        self.down = nn.ModuleList([ResidualBlock(fine, fine, CONDITION),
                                   ResidualBlock(middle, middle, CONDITION)])
        self.halve = nn.ModuleList([nn.Conv2d(fine, middle, 3, 2, 1),
                                    nn.Conv2d(middle, coarse, 3, 2, 1)])
        self.bottom = nn.ModuleList([ResidualBlock(coarse, coarse, CONDITION),
                                     SelfAttention(coarse),
                                     ResidualBlock(coarse, coarse, CONDITION)])
        self.up = nn.ModuleList([ResidualBlock(coarse + middle, middle, CONDITION),
                                 ResidualBlock(middle + fine, fine, CONDITION)])
        self.attention = SelfAttention(middle)
        self.out = nn.Sequential(normalisation(fine), nn.SiLU(),
                                 nn.Conv2d(fine, LATENT_CHANNELS, 3, padding=1))

    def forward(self, latents: Tensor, times: Tensor, identity: Tensor, attributes: Tensor,
                dropped: Tensor | None = None) -> Tensor:
        """Return the noise (n, 16, 16, 16) that follows from `velocity`, with its parameters."""
        signal, noise = levels(times, latents)
        return (signal * self.velocity(latents, times, identity, attributes, dropped)
                + noise * latents)

    def velocity(self, latents: Tensor, times: Tensor, identity: Tensor, attributes: Tensor,
                 dropped: Tensor | None = None) -> Tensor:
        """Return the velocity (n, 16, 16, 16).

        Parameters
        ----------
        latents : Tensor
            Noised latents, shape (n, 16, 16, 16).
        times : Tensor
            Shape (n,), steps 0..999.
        identity, attributes : Tensor
            Shapes (n, 256), rows of length 1, and (n, 16 + 54, 16, 16): the attribute map, and
            beside it the structure of `face_structure.structure_map`.
        dropped : Tensor, optional
            Shape (n,), bool: rows without identity, for guidance (Ho and Salimans, 2022).
        """
        if dropped is not None:
            identity = torch.where(dropped[:, None], self.nobody, identity)
        condition = functional.silu(self.time(time_features(times, CONDITION))
                                    + self.identity(identity))
        fine = self.down[0](self.stem(torch.cat([latents, attributes], 1)), condition)
        middle = self.down[1](self.halve[0](fine), condition)
        x = self.bottom[0](self.halve[1](middle), condition)
        x = self.bottom[2](self.bottom[1](x), condition)
        x = self.up[0](torch.cat([upsampled(x), middle], 1), condition)
        x = self.up[1](torch.cat([upsampled(self.attention(x)), fine], 1), condition)
        return self.out(x).float()


def load_unet(path: Path, device: str = 'cpu') -> FaceUNet:
    """Load a denoiser, frozen. Raises `WeightsError` when the file holds something else."""
    return load_network(FaceUNet(), path, device)
