"""D(x, f): is x a real picture, and is it one of f? A projection discriminator.

Miyato and Koyama, ICLR 2018, eq. (5): D(x, f) = psi(phi(x)) + <V f, phi(x)>. The first term pushes
reversed pictures onto the distribution of real ones, the second asks that they fit the feature.
"""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

WIDTHS = (3, 32, 64, 96, 160)


class ProjectionDiscriminator(nn.Module):
    """The discriminator of the reversal module, 0.5 M parameters.

    Parameters
    ----------
    feature_dimension : int
        Length of the features.
    """

    def __init__(self, feature_dimension: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1))
             for inputs, outputs in zip(WIDTHS[:-1], WIDTHS[1:])])          # (n, 160, 8, 4)
        self.judge = spectral_norm(nn.Linear(WIDTHS[-1], 1))
        self.project = spectral_norm(nn.Linear(feature_dimension, WIDTHS[-1], bias=False))

    def forward(self, pictures: Tensor, features: Tensor) -> Tensor:
        """Return one logit per picture, shape (n,).

        Parameters
        ----------
        pictures : Tensor
            Shape (n, 3, 128, 64), RGB in 0..1.
        features : Tensor
            Shape (n, feature_dimension), as the generator gets them.
        """
        x = pictures * 2 - 1
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.2)
        pooled = x.mean((2, 3))                                             # phi(x), (n, 160)
        return self.judge(pooled)[:, 0] + (self.project(features) * pooled).sum(1)
