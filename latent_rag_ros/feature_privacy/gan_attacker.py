"""A fresh GAN as attacker: coordinates of a picture that look real and fit the feature.

Its discriminator sees a picture with the feature it should belong to (Mirza and Osindero, 2014);
the generator is held to the true picture by its squared error as well (Isola et al., CVPR 2017).
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.feature_privacy.attacker import Material
from latent_rag_ros.feature_privacy.coordinate_network import WIDTH, CoordinateNetwork
from latent_rag_ros.feature_privacy.network_attacker import NetworkAttacker
from latent_rag_ros.training.discriminator import adversarial_loss, discriminator_loss
from latent_rag_ros.training.trainer import Schedule, Trainer

NOISE = 64
LEARNING_RATE, DISCRIMINATOR_SHARE = 1e-3, 0.4
ADVERSARIAL_WEIGHT, DROPOUT = 0.05, 0.2


class GanAttacker(NetworkAttacker):
    """Several draws of a generator that had to look real to a discriminator."""

    name = 'gan'
    draws = 3

    def _trained(self, material: Material, budget: Budget, directory: Path) -> nn.Module:
        """Return the averaged generator of the last iteration."""
        dimension, count = material.linear.shape
        generator = CoordinateNetwork(material.linear, material.scale, NOISE, DROPOUT)
        discriminator = nn.Sequential(
            nn.Linear(dimension + count, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH),
            nn.LeakyReLU(0.2), nn.Linear(WIDTH, 1))
        networks = {'generator': generator.to(self.device),
                    'discriminator': discriminator.to(self.device)}
        optimisers = {
            'generator': torch.optim.Adam(generator.parameters(), betas=(0.5, 0.99)),
            'discriminator': torch.optim.Adam(
                [{'params': [*discriminator.parameters()], 'scale': DISCRIMINATOR_SHARE}],
                betas=(0.0, 0.99))}

        def judged(pictures: Tensor, features: Tensor) -> Tensor:
            """Return one logit per picture (n, k) with its feature (n, d), shape (n,)."""
            return discriminator(torch.cat([pictures / material.scale, features], 1))[:, 0]

        def step(_: int, random: np.random.Generator) -> dict[str, float]:
            """Update discriminator and generator once."""
            rows = torch.from_numpy(random.choice(
                len(material), min(self.batch, len(material)), False)).to(self.device)
            features, pictures = material.features[rows], material.pictures[rows]
            drawn = self._drawn(generator, features)
            false = discriminator_loss(judged(pictures, features),
                                       judged(drawn.detach(), features))
            _minimise(optimisers['discriminator'], false)
            error = material.error(drawn, pictures)
            look = adversarial_loss(judged(drawn, features))
            _minimise(optimisers['generator'], error + ADVERSARIAL_WEIGHT * look)
            return {'error': float(error.detach()), 'discriminator': float(false.detach())}

        trainer = Trainer(networks, optimisers, Schedule(
            budget.iterations, LEARNING_RATE, seed=budget.seed), directory, self.name)
        return trainer.run(step)['generator']

    def _drawn(self, network: nn.Module, features: Tensor) -> Tensor:
        return network(features, torch.randn(len(features), NOISE).to(features))


def _minimise(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
