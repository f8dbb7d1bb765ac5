"""A diffusion model as attacker: coordinates of a picture denoised under the feature's condition.

Ho et al., NeurIPS 2020, in the linear latent space of `picture_space`, sampled by DDIM (Song et
al., ICLR 2021); the schedule is the one of `evaluation.attacks`.
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
    FREQUENCIES, LAST_TIME, share_of_signal, time_numbers)
from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.feature_privacy.attacker import Material
from latent_rag_ros.feature_privacy.coordinate_network import CoordinateNetwork
from latent_rag_ros.feature_privacy.network_attacker import NetworkAttacker

LEARNING_RATE, DROPOUT = 1e-3, 0.1
STEPS = 10
VALIDATION_TIMES = (0.5, 0.9, 0.98)
"""Most of the picture is decided where there is much noise."""


class DiffusionAttacker(NetworkAttacker):
    """Several draws of what a feature may stand for."""

    name = 'diffusion'
    draws = 3

    def _trained(self, material: Material, budget: Budget, directory: Path) -> nn.Module:
        """Return the weights that do best on people kept apart."""
        network = CoordinateNetwork(material.linear, material.scale,
                                    len(material.scale) + 2 * FREQUENCIES, DROPOUT)

        def loss(network: nn.Module, rows: NDArray[np.int64]) -> Tensor:
            """Return the denoising error at random times on training rows."""
            chosen = torch.from_numpy(rows).to(self.device)
            times = torch.rand(len(rows)).to(self.device)
            return _denoising_error(network, material, material.features[chosen],
                                    material.pictures[chosen], times)

        def validation_loss(network: nn.Module) -> float:
            """Return the mean denoising error on the people kept apart, always the same noise."""
            features, pictures = material.validation
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(budget.seed)
                return float(np.mean([float(_denoising_error(
                    network, material, features, pictures,
                    torch.full((len(features),), time, device=self.device)))
                    for time in VALIDATION_TIMES]))

        task = Task(len(material), loss, validation_loss, self.batch, LEARNING_RATE)
        return BestTraining(network.to(self.device), task, budget, directory, self.name).run()

    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        """Return one DDIM draw per feature."""
        noisy = torch.randn(len(features), len(network.scale)).to(features)
        times = torch.linspace(LAST_TIME, 0, STEPS + 1).tolist()
        for now, then in zip(times[:-1], times[1:]):
            guess = _guess(network, features, noisy, torch.full(
                (len(features),), now, device=features.device))
            signal, later = share_of_signal(torch.tensor([now, then])).tolist()
            noise = (noisy - math.sqrt(signal) * guess) / math.sqrt(1 - signal)
            noisy = math.sqrt(later) * guess + math.sqrt(1 - later) * noise
        return guess * network.scale


def _guess(network: nn.Module, features: Tensor, noisy: Tensor, times: Tensor) -> Tensor:
    """Return x_0 at unit variance, (n, k), from features (n, d), x_t (n, k) and times (n,)."""
    return network(features, noisy, time_numbers(times)) / network.scale


def _denoising_error(network: nn.Module, material: Material, features: Tensor, pictures: Tensor,
                     times: Tensor) -> Tensor:
    """Return the mean squared error of x_0 at `times` (n,)."""
    signal = share_of_signal(times)[:, None]
    noise = torch.randn(pictures.shape).to(pictures)
    noisy = signal.sqrt() * pictures / material.scale + (1 - signal).sqrt() * noise
    guess = _guess(network, features, noisy, times) * material.scale
    return material.error(guess, pictures)
