"""Train the face VAE: pictures to small maps and back, with a light pull to the normal law."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.training.face_losses import picture_loss
from latent_rag_ros.training.faces import Faces
from latent_rag_ros.training.precision import mixed_precision
from latent_rag_ros.training.trainer import Schedule, Trainer

SCALE_PICTURES = 256


@dataclass(frozen=True)
class FaceAutoencoderSettings:
    """Settings of one run; they go into the weights' metadata."""

    iterations: int = 15000
    batch: int = 16
    learning_rate: float = 1e-3
    seed: int = 22
    divergence_weight: float = 1e-4
    bfloat16: bool = True


class FaceAutoencoderTraining:
    """One training of the face VAE; parameters as in `FaceEncoderTraining`."""

    def __init__(self, faces: Faces, settings: FaceAutoencoderSettings, directory: Path,
                 device: str = 'cpu') -> None:
        torch.manual_seed(settings.seed)
        self.faces, self.settings, self.device = faces, settings, torch.device(device)
        self.autoencoder = FaceAutoencoder().to(self.device)
        self.optimiser = torch.optim.AdamW(self.autoencoder.parameters(), betas=(0.9, 0.98),
                                           weight_decay=1e-4)
        self.trainer = Trainer(
            {'autoencoder': self.autoencoder}, {'autoencoder': self.optimiser},
            Schedule(settings.iterations, settings.learning_rate, seed=settings.seed),
            directory, 'face_autoencoder')

    def run(self) -> nn.Module:
        """Return the averaged autoencoder, its latents brought to unit variance."""
        autoencoder = self.trainer.run(self.step)['autoencoder']
        rows = np.linspace(0, len(self.faces.images) - 1, min(
            SCALE_PICTURES, len(self.faces.images))).astype(np.int64)
        with torch.no_grad():
            latents = autoencoder.moments(self.faces.tensor(rows).to(self.device))[0]
            autoencoder.scale.copy_(1 / latents.std().clamp_min(1e-3))
        return autoencoder

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step; returns the parts of the loss."""
        rows = random.integers(0, len(self.faces.images), self.settings.batch)
        mirrored = random.random(len(rows)) < 0.5
        pictures, detail = (values.to(self.device) for values in (
            self.faces.tensor(rows, mirrored), self.faces.detail(rows, mirrored)))
        with mixed_precision(self.device, self.settings.bfloat16):
            mean, log_variance = self.autoencoder.moments(pictures)
            latents = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
            found = self.autoencoder.decode_unscaled(latents)
        picture = picture_loss(found, pictures, detail)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        self.optimiser.zero_grad()
        (picture + self.settings.divergence_weight * divergence).backward()
        nn.utils.clip_grad_norm_(self.autoencoder.parameters(), 1.0)
        self.optimiser.step()
        return {'picture': float(picture.detach()), 'divergence': float(divergence.detach())}
