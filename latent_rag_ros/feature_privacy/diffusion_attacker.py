"""A diffusion model as attacker: pictures denoised under the condition of the feature.

Ho et al., NeurIPS 2020, sampled by DDIM (Song et al., ICLR 2021); the U-Net and the schedule are
those of `evaluation.attacks`. Feature and time scale and shift its maps.
"""
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task
from latent_rag_ros.evaluation.attacks.diffusion import (
    CONTRAST, FREQUENCIES, LAST_TIME, share_of_signal, time_numbers)
from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.evaluation.attacks.unet import UNet
from latent_rag_ros.feature_privacy.attacker import Material, person_error
from latent_rag_ros.feature_privacy.network_attacker import NetworkAttacker

LEARNING_RATE = 1.5e-3
STEPS = 10
VALIDATION_TIMES = (0.5, 0.9, 0.98)
"""Most of the picture is decided where there is much noise."""


class FeatureDenoiser(nn.Module):
    """Predicts x_0 from x_t, the time and the feature: mean picture + U-Net.

    Parameters
    ----------
    dimension : int
        Length of the features.
    mean_crop : Tensor
        Shape (3, 128, 64), in 0..1: the guess before training.
    """

    def __init__(self, dimension: int, mean_crop: Tensor) -> None:
        super().__init__()
        self.condition = nn.Sequential(nn.Linear(dimension + 2 * FREQUENCIES, 256), nn.SiLU(),
                                       nn.Linear(256, 256), nn.SiLU())
        self.unet = UNet(3, 3, 256)
        self.register_buffer('mean_crop', mean_crop)

    def forward(self, noisy: Tensor, times: Tensor, features: Tensor) -> Tensor:
        """Map x_t (n, 3, 128, 64), times (n,), features (n, d) to x_0 (n, 3, 128, 64)."""
        numbers = torch.cat([features, time_numbers(times)], 1)
        with torch.autocast(noisy.device.type, torch.bfloat16):
            drawn = self.unet(noisy, self.condition(numbers)).float()
        return self.mean_crop + drawn


class DiffusionAttacker(NetworkAttacker):
    """Several draws of what a feature may stand for."""

    name = 'diffusion'
    default_batch = 64
    draws = 4

    def _trained(self, material: Material, budget: Budget, directory: Path) -> nn.Module:
        """Return the weights that do best on people kept apart."""
        network = FeatureDenoiser(material.space.dimension, material.mean_crop()).to(self.device)

        def loss(network: nn.Module, rows: NDArray[np.int64]) -> Tensor:
            """Return the denoising error at random times on training rows."""
            times = torch.rand(len(rows)).to(self.device)
            return _denoising_error(network, material.batch(material.training[rows]), times)

        def validation_loss(network: nn.Module) -> float:
            """Return the mean denoising error on the people kept apart, always the same noise."""
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(budget.seed)
                return float(np.mean([
                    float(_denoising_error(network, material.batch(rows), torch.full(
                        (len(rows),), time, device=self.device)))
                    for rows in material.validation_parts() for time in VALIDATION_TIMES]))

        task = Task(len(material.training), loss, validation_loss, self.batch, LEARNING_RATE)
        return BestTraining(network, task, budget, directory, self.name).run()

    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        return _sampled(network, features)


def _denoising_error(network: nn.Module, batch: tuple[Tensor, Tensor, Tensor],
                     times: Tensor) -> Tensor:
    """Return the mean squared error of x_0 at `times` (n,), the person's pixels in front."""
    features, crops, person = batch
    signal = share_of_signal(times)[:, None, None, None]
    noise = torch.randn(crops.shape).to(crops)
    noisy = signal.sqrt() * (crops - 0.5) * CONTRAST + (1 - signal).sqrt() * noise
    return person_error(network(noisy, times, features), crops, person).mean()


def _sampled(network: nn.Module, features: Tensor) -> Tensor:
    """Return one DDIM draw per feature, shape (n, 3, 128, 64), in 0..1."""
    noisy = torch.randn(len(features), *network.mean_crop.shape).to(features)
    times = torch.linspace(LAST_TIME, 0, STEPS + 1).tolist()
    for now, then in zip(times[:-1], times[1:]):
        time = torch.full((len(features),), now, device=features.device)
        guess = network(noisy, time, features).clamp(0, 1)
        signal, later = share_of_signal(torch.tensor([now, then])).tolist()
        centred = (guess - 0.5) * CONTRAST
        noise = (noisy - math.sqrt(signal) * centred) / math.sqrt(1 - signal)
        noisy = math.sqrt(later) * centred + math.sqrt(1 - later) * noise
    return guess
