"""G_r(f, z): draws the person picture that an identity feature may have come from.

Many pictures share one feature. The noise z chooses one of them, so that a discriminator can ask
for a picture that looks real instead of the blurred mean of all. Without noise the network is the
decoder of earlier work (Dosovitskiy and Brox, CVPR 2016). The feature and the noise scale and
shift the maps of every layer (FiLM, Perez et al., AAAI 2018).
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (160, 128, 96, 64, 40)
"""Channels at 4 x 2, 8 x 4, 16 x 8, 32 x 16 and 64 x 32 pixels."""

CONDITION = 256
GROUPS = 8


class ConditionedConvolution(nn.Module):
    """A 3 x 3 convolution, group normalisation, scale and shift by the condition, SiLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.normalisation = nn.GroupNorm(GROUPS, outputs, affine=False)
        self.film = nn.Linear(CONDITION, 2 * outputs)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Map x (n, inputs, h, w), condition (n, 256), to (n, outputs, h, w)."""
        y = self.normalisation(self.convolution(x))
        scale, shift = self.film(condition)[:, :, None, None].chunk(2, 1)
        return functional.silu(torch.addcmul(y + shift, y, scale))


class ReversalGenerator(nn.Module):
    """The generator of the reversal module, 1.3 M parameters.

    Parameters
    ----------
    feature_dimension : int
        Length of the features.
    noise_dimension : int
        Length of the noise; 0 makes it a decoder with one answer.
    mean_picture : Tensor, optional
        What it draws before training, shape (3, 128, 64), RGB in 0..1. None: noise around grey.
    """

    def __init__(self, feature_dimension: int, noise_dimension: int,
                 mean_picture: Tensor | None = None) -> None:
        super().__init__()
        self.noise_dimension = noise_dimension
        self.condition = nn.Sequential(
            nn.Linear(feature_dimension + noise_dimension, CONDITION), nn.SiLU(),
            nn.Linear(CONDITION, CONDITION), nn.SiLU())
        self.start = nn.Linear(CONDITION, 8 * CHANNELS[0])                  # 4 x 2 pixels
        self.layers = nn.ModuleList()
        for inputs, outputs in zip(CHANNELS[:-1], CHANNELS[1:]):
            self.layers.append(nn.ModuleList([ConditionedConvolution(inputs, outputs),
                                              ConditionedConvolution(outputs, outputs)]))
        self.colours = nn.Conv2d(CHANNELS[-1], 12, 3, 1, 1)
        start = torch.zeros(3, 1, 1)
        if mean_picture is not None:
            nn.init.zeros_(self.colours.weight)
            nn.init.zeros_(self.colours.bias)
            start = torch.logit(mean_picture.clamp(0.01, 0.99)).cpu()
        self.register_buffer('mean_logits', start)

    def noise(self, count: int, like: Tensor) -> Tensor:
        """Draw noise for `count` pictures, shape (count, noise_dimension), type of `like`."""
        return torch.randn(count, self.noise_dimension).to(like)

    def forward(self, features: Tensor, noise: Tensor) -> Tensor:
        """Draw pictures.

        Parameters
        ----------
        features : Tensor
            Shape (n, feature_dimension), entries of about unit variance, see `conditions`.
        noise : Tensor
            Shape (n, noise_dimension).

        Returns
        -------
        Tensor
            Shape (n, 3, 128, 64), RGB in 0..1.
        """
        condition = self.condition(torch.cat([features, noise], 1))
        x = self.start(condition).view(-1, CHANNELS[0], 4, 2)
        for first, second in self.layers:
            x = functional.interpolate(x, scale_factor=2)
            x = second(first(x, condition), condition)
        return torch.sigmoid(self.mean_logits + functional.pixel_shuffle(self.colours(x), 2))


def conditions(features: Tensor) -> Tensor:
    """Return features (n, d) at length sqrt(d): the reversal module never sees their scale."""
    return functional.normalize(features.float()) * features.shape[1] ** 0.5
