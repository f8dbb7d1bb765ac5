"""The reversal module: generator and discriminator with their losses, one update at a time.

    L_D   = E max(0, 1 - D(y, f)) + E max(0, 1 + D(G_r(f, z), f))
    L_G_r = -a E D(G_r(f, z), f) + E |G_r(f, z) - y|^2 / var(y)

A picture is its coordinates y in a `PictureSpace`, the person without background: there a strong
reversal is learnt in seconds. G_r is the best linear guess plus what two hidden layers add. The
features f are given; no gradient flows to the extractor that made them. The kind `decoder` is
what earlier defences trained against: no noise, no discriminator, least squares alone.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.feature_privacy.coordinate_network import CoordinateNetwork
from latent_rag_ros.feature_privacy.reversal_discriminator import ProjectionDiscriminator
from latent_rag_ros.training.discriminator import adversarial_loss, discriminator_loss

KINDS = ('gan', 'decoder')


def conditions(features: Tensor) -> Tensor:
    """Return features (n, d) at length sqrt(d): the reversal module never sees their scale."""
    return functional.normalize(features.float()) * features.shape[1] ** 0.5


@dataclass(frozen=True)
class ReversalSettings:
    """What a reversal module is and what it minimises.

    Parameters
    ----------
    kind : str
        `gan` or `decoder`.
    noise_dimension : int
        Length of z; a decoder has none.
    adversarial_weight : float
        a.
    dropout : float
        Of the generator's hidden numbers.
    learning_rate : float
        Of the generator, at the top of the schedule.
    discriminator_rate_share : float
        Learning rate of the discriminator in shares of the generator's.
    """

    kind: str = 'gan'
    noise_dimension: int = 64
    adversarial_weight: float = 0.05
    dropout: float = 0.2
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
        Length of the features, d.
    scale : Tensor
        Shape (k,): standard deviation of each number of a picture.
    settings : ReversalSettings
    device : torch.device
    rate_share : float
        Learning rates in shares of the schedule's, for a schedule that is shared with others.
    """

    def __init__(self, feature_dimension: int, scale: Tensor, settings: ReversalSettings,
                 device: torch.device, rate_share: float = 1.0) -> None:
        self.settings, self.device = settings, device
        self._is_gan = settings.kind == 'gan'
        self._noise = settings.noise_dimension if self._is_gan else 0
        self._variance = float(scale.square().sum())
        self.generator = CoordinateNetwork(
            torch.zeros(feature_dimension, len(scale)), scale, self._noise,
            settings.dropout).to(device)
        self.networks: dict[str, nn.Module] = {'generator': self.generator}
        self.optimisers: dict[str, torch.optim.Optimizer] = {'generator': torch.optim.Adam(
            [{'params': [*self.generator.parameters()], 'scale': rate_share}],
            betas=(0.5, 0.99))}
        if self._is_gan:
            discriminator = ProjectionDiscriminator(feature_dimension, scale).to(device)
            self.networks['discriminator'] = discriminator
            self.optimisers['discriminator'] = torch.optim.Adam(
                [{'params': [*discriminator.parameters()],
                  'scale': rate_share * settings.discriminator_rate_share}], betas=(0.0, 0.99))

    def drawn(self, features: Tensor, generator: nn.Module | None = None) -> Tensor:
        """Draw one picture per feature (n, d), shape (n, k).

        `generator` stands in for the one in training, such as its slow copy.
        """
        noise = torch.randn(len(features), self._noise).to(features)
        return (generator or self.generator)(features, noise)

    def error(self, guesses: Tensor, pictures: Tensor) -> Tensor:
        """Return the squared error of pictures (n, k) as a share of their variance, (n,)."""
        return (guesses - pictures).square().sum(1) / self._variance

    @torch.no_grad()
    def start_from(self, linear: Tensor) -> None:
        """Put a linear map (d, k), such as `best_linear_map`, in the place of the present one."""
        self.generator.linear.copy_(linear)

    def update(self, features: Tensor, pictures: Tensor) -> dict[str, float]:
        """Take one step of discriminator and generator; returns their losses.

        Parameters
        ----------
        features : Tensor
            Shape (n, d), detached, see `conditions`.
        pictures : Tensor
            What they came from, shape (n, k).
        """
        drawn = self.drawn(features)
        losses = {}
        if self._is_gan:
            discriminator = self.networks['discriminator']
            losses['discriminator'] = self._minimise('discriminator', discriminator_loss(
                discriminator(pictures, features), discriminator(drawn.detach(), features)))
        error = self.error(drawn, pictures).mean()
        loss = error
        if self._is_gan:
            look = adversarial_loss(self.networks['discriminator'](drawn, features))
            loss = loss + self.settings.adversarial_weight * look
        self._minimise('generator', loss)
        return losses | {'reversal_error': float(error.detach())}

    def _minimise(self, name: str, loss: Tensor) -> float:
        optimiser = self.optimisers[name]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.detach())


def best_linear_map(features: Tensor, pictures: Tensor, ridge: float = 0.03) -> Tensor:
    """Return the ridge regression from features (n, d) to pictures (n, k), shape (d, k).

    `ridge` is the strength of the regularisation per row, for features of about unit variance.
    """
    identity = torch.eye(features.shape[1]).to(features)
    gram = features.T @ features + ridge * len(features) * identity
    return torch.linalg.solve(gram, features.T @ pictures)
