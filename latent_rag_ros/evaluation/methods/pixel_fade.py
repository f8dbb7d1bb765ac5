"""PixelFade (Zhang et al., ACM MM 2024, arXiv 2408.05543), written from its description.

    min_x' || x' - eta ||^2   such that   || f(x') - f(x) ||^2 <= epsilon,   eta ~ N(0, 1)

A picture fades into noise while its identity feature is held: pixels are overwritten by noise, one
random fifth at a time, whenever the feature is near enough; in between gradient steps with
momentum bring the feature back,

    g = grad / mean|grad|;   m <- mu m + g;   x' <- x' - beta m

all in the space of ImageNet normalisation, cut to the range of the input. The original runs on an
AGW network whose features have another scale; here f is the shipped embedder with unit features,
and epsilon is a squared distance of such features: 0.3 is a cosine of 0.85.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, to_crops, to_images
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.methods.method import Images

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH = 16


@dataclass(frozen=True)
class PixelFadeSettings:
    """The published settings, but for `distance_max`, which depends on the feature's scale.

    Parameters
    ----------
    iterations : int
        Gradient steps.
    masks : int
        Parts of the picture that are overwritten one after the other.
    distance_max : float
        epsilon, squared distance of unit features.
    near_step, far_step : float
        beta while the feature is near enough, and while it is not.
    far_iterations : int
        Last steps, which are taken with `far_step` whatever the distance.
    momentum : float
        mu.
    seed : int
        Of the noise and of the masks.
    """

    iterations: int = 100
    masks: int = 5
    distance_max: float = 0.3
    near_step: float = 0.01
    far_step: float = 0.04
    far_iterations: int = 5
    momentum: float = 0.6
    seed: int = 0


class PixelFade:
    """Fades pictures into noise around a fixed identity feature.

    Parameters
    ----------
    network : EmbeddingNetwork
        The network whose feature is held; gradients flow through it.
    settings : PixelFadeSettings
        Published ones by default.
    device : str
        Device of the network.
    """

    name = 'pixelfade'

    def __init__(self, network: EmbeddingNetwork,
                 settings: PixelFadeSettings = PixelFadeSettings(), device: str = 'cpu') -> None:
        self._network, self._settings, self._device = network, settings, device

    def protect(self, people: HeldOutPeople) -> Images:
        """Return the faded pictures, rounded to 8 bit."""
        random = torch.Generator().manual_seed(self._settings.seed)
        starts = tqdm(range(0, len(people), BATCH), desc=self.name, unit='batch')
        parts = [self._faded(to_crops(people.images[start:start + BATCH], self._device), random)
                 for start in starts]
        return to_images(torch.cat(parts))

    def _faded(self, crops: Tensor, random: torch.Generator) -> Tensor:
        settings = self._settings
        mean, deviation = (torch.tensor(values, device=crops.device).view(3, 1, 1)
                           for values in (MEAN, DEVIATION))
        picture = (crops - mean) / deviation
        low = picture.amin((1, 2, 3), keepdim=True)
        high = picture.amax((1, 2, 3), keepdim=True)
        with torch.no_grad():
            wanted = self._network.embed(crops)
        noise = torch.randn(picture.shape, generator=random).to(crops.device)
        part = torch.randint(settings.masks, picture.shape, generator=random).to(crops.device)
        momentum = torch.zeros_like(picture)
        distance = torch.zeros(len(crops), device=crops.device)
        faded = torch.zeros(len(crops), dtype=torch.int64, device=crops.device)
        for step in range(settings.iterations):
            # the first steps fade whatever the distance, so that all of the picture goes
            fades = (distance < settings.distance_max) | (step < settings.masks)
            overwritten = (part == _column(faded % settings.masks)) & _column(fades)
            picture = torch.where(overwritten, noise, picture)
            faded = faded + fades
            distance, gradient = self._pulled(picture, wanted, mean, deviation)
            scale = gradient.abs().mean((1, 2, 3), keepdim=True).clamp(min=1e-12)
            momentum = settings.momentum * momentum + gradient / scale
            near = ((distance < settings.distance_max)
                    & (step < settings.iterations - settings.far_iterations))
            step_length = torch.where(near, settings.near_step, settings.far_step)
            picture = torch.clamp(picture - _column(step_length) * momentum, low, high)
        return ((picture * deviation + mean) * 255).round().clamp(0, 255).byte()

    def _pulled(self, picture: Tensor, wanted: Tensor, mean: Tensor,
                deviation: Tensor) -> tuple[Tensor, Tensor]:
        """Return the squared feature distance of every picture, and its gradient."""
        picture = picture.detach().requires_grad_(True)
        features = self._network.embed(picture * deviation + mean)
        distance = (features - wanted).square().sum(1)
        gradient, = torch.autograd.grad(distance.sum(), picture)
        return distance.detach(), gradient


def _column(values: Tensor) -> Tensor:
    """Return one value per picture (n,) in a shape that broadcasts over pictures."""
    return values.view(-1, 1, 1, 1)
