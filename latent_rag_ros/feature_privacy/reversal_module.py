"""The reversal module: generator and discriminator with their losses, one update at a time.

    L_D   = E max(0, 1 - D(x, f)) + E max(0, 1 + D(G_r(f, z), f))
    L_G_r = -a E D(G_r(f, z), f) + E d(G_r(f, z), x),    d = l_1 |.|_1 + l_p d_perc

The features f are given; no gradient flows to the extractor that made them. The kind `decoder`
is what earlier defences trained against: no noise, no discriminator, pixels alone.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latent_rag_ros.feature_privacy.picture_distance import PictureDistance
from latent_rag_ros.feature_privacy.reversal_discriminator import ProjectionDiscriminator
from latent_rag_ros.feature_privacy.reversal_generator import ReversalGenerator
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.training.discriminator import adversarial_loss, discriminator_loss

KINDS = ('gan', 'decoder')


@dataclass(frozen=True)
class ReversalSettings:
    """What a reversal module is and what it minimises.

    Parameters
    ----------
    kind : str
        `gan` or `decoder`.
    noise_dimension : int
        Length of z; a decoder has none.
    pixel_weight, perceptual_weight, adversarial_weight : float
        l_1, l_p and a; a decoder has the first only.
    learning_rate : float
        Of the generator, at the top of the schedule.
    discriminator_rate_share : float
        Learning rate of the discriminator in shares of the generator's.
    """

    kind: str = 'gan'
    noise_dimension: int = 32
    pixel_weight: float = 1.0
    perceptual_weight: float = 0.2
    adversarial_weight: float = 0.02
    learning_rate: float = 1e-3
    discriminator_rate_share: float = 0.4

    def __post_init__(self) -> None:
        """Raise `ValueError` for an unknown kind."""
        if self.kind not in KINDS:
            raise ValueError(f'reversal kind is {self.kind!r}; choose one of {", ".join(KINDS)}')


class ReversalModule:
    """Generator, discriminator and optimisers, freshly initialised.

    Parameters
    ----------
    feature_dimension : int
        Length of the features.
    settings : ReversalSettings
    judge : Embedder
        Frozen network of the perceptual distance.
    device : torch.device
    rate_share : float
        Learning rates in shares of the schedule's, for a schedule that is shared with others.
    mean_picture : Tensor, optional
        Where the generator starts, see `ReversalGenerator`.
    """

    def __init__(self, feature_dimension: int, settings: ReversalSettings, judge: Embedder,
                 device: torch.device, rate_share: float = 1.0,
                 mean_picture: Tensor | None = None) -> None:
        adversarial = settings.kind == 'gan'
        self.settings, self.device = settings, device
        self.distance = PictureDistance(judge, settings.pixel_weight,
                                        settings.perceptual_weight if adversarial else 0.0)
        self.generator = ReversalGenerator(
            feature_dimension, settings.noise_dimension if adversarial else 0,
            mean_picture).to(device)
        self.networks: dict[str, nn.Module] = {'generator': self.generator}
        self.optimisers: dict[str, torch.optim.Optimizer] = {'generator': torch.optim.Adam(
            [{'params': [*self.generator.parameters()], 'scale': rate_share}],
            betas=(0.5, 0.99))}
        if adversarial:
            self._add_discriminator(feature_dimension, rate_share)

    def _add_discriminator(self, feature_dimension: int, rate_share: float) -> None:
        discriminator = ProjectionDiscriminator(feature_dimension).to(self.device)
        share = rate_share * self.settings.discriminator_rate_share
        self.networks['discriminator'] = discriminator
        self.optimisers['discriminator'] = torch.optim.Adam(
            [{'params': [*discriminator.parameters()], 'scale': share}], betas=(0.0, 0.99))

    def pictures(self, features: Tensor, generator: nn.Module | None = None) -> Tensor:
        """Draw one picture per feature (n, d): (n, 3, 128, 64), RGB in 0..1.

        `generator` stands in for the one in training, such as its slow copy.
        """
        noise = self.generator.noise(len(features), features)
        with torch.autocast(self.device.type, torch.bfloat16):
            return (generator or self.generator)(features, noise).float()

    def update(self, features: Tensor, crops: Tensor, person: Tensor) -> dict[str, float]:
        """Take one step of discriminator and generator; returns their losses.

        Parameters
        ----------
        features : Tensor
            Shape (n, d), detached, entries of about unit variance.
        crops : Tensor
            Where they came from, shape (n, 3, 128, 64), RGB in 0..1.
        person : Tensor
            Shape (n, 1, 128, 64), 0..1, 1 on the person.
        """
        pictures = self.pictures(features)
        losses = {}
        if 'discriminator' in self.networks:
            losses['discriminator'] = self._minimise('discriminator', discriminator_loss(
                self._judged(crops, features), self._judged(pictures.detach(), features)))
        distance = self.distance(pictures, crops, person).mean()
        loss = distance
        if 'discriminator' in self.networks:
            adversarial = adversarial_loss(self._judged(pictures, features))
            loss = loss + self.settings.adversarial_weight * adversarial
        self._minimise('generator', loss)
        return losses | {'reversal_distance': float(distance.detach())}

    def _judged(self, pictures: Tensor, features: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.networks['discriminator'](pictures, features).float()

    def _minimise(self, name: str, loss: Tensor) -> float:
        optimiser = self.optimisers[name]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.detach())
