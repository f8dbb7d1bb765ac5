"""The face VAE: pictures to the small maps that the diffusion works on, and back.

Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", CVPR 2022,
section 3.1, at a size that a robot can afford.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity_decoupling.face_size import MAP_SIDE, PATCH_PX
from latent_rag_ros.identity_decoupling.layers import ResidualBlock, normalisation, upsampled
from latent_rag_ros.weights.tensors import load_network

LATENT_CHANNELS, LATENT_SIDE = 16, MAP_SIDE
FINE, COARSE = 64, 96
"""Channels at 32 and at 16 pixels."""

LOG_VARIANCE_MIN, LOG_VARIANCE_MAX = -14.0, 4.0


class FaceAutoencoder(nn.Module):
    """Faces (n, 3, 96, 96) to latents (n, 16, 16, 16) and back.

    `scale` brings latents to about unit variance; it is set after training.
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(PATCH_PX), nn.Conv2d(3 * PATCH_PX ** 2, FINE, 3, padding=1),
            ResidualBlock(FINE, FINE), nn.Conv2d(FINE, COARSE, 3, 2, 1),
            ResidualBlock(COARSE, COARSE),
            normalisation(COARSE), nn.SiLU(),
            nn.Conv2d(COARSE, 2 * LATENT_CHANNELS, 3, padding=1))
        self.decoder = nn.ModuleList([
            ResidualBlock(LATENT_CHANNELS, COARSE), ResidualBlock(COARSE, FINE),
            ResidualBlock(FINE, FINE)])
        self.colours = nn.Sequential(normalisation(FINE), nn.SiLU(),
                                     nn.Conv2d(FINE, 3 * PATCH_PX ** 2, 3, padding=1))
        self.register_buffer('scale', torch.ones(()))

    def moments(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the unscaled latents of faces in 0..1."""
        mean, log_variance = self.encoder(2 * faces - 1).float().chunk(2, 1)
        return mean, log_variance.clamp(LOG_VARIANCE_MIN, LOG_VARIANCE_MAX)

    def encode(self, faces: Tensor) -> Tensor:
        """Return latents (n, 16, 16, 16), about unit variance, of faces in 0..1."""
        return self.moments(faces)[0] * self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Return faces (n, 3, 96, 96) in 0..1 of latents."""
        return self.decode_unscaled(latents / self.scale)

    def decode_unscaled(self, latents: Tensor) -> Tensor:
        """Return faces (n, 3, 96, 96) in 0..1 of latents as `moments` gives them."""
        x = self.decoder[1](self.decoder[0](latents))
        x = self.decoder[2](upsampled(x))
        return torch.sigmoid(functional.pixel_shuffle(self.colours(x).float(), PATCH_PX))


def load_autoencoder(path: Path, device: str = 'cpu') -> FaceAutoencoder:
    """Load a face VAE, frozen. Raises `WeightsError` when the file holds something else."""
    return load_network(FaceAutoencoder(), path, device)
