"""D(y, f): does a picture look real, and does it fit the feature?

A projection discriminator (Miyato and Koyama, ICLR 2018): what fits enters as an inner product.
"""
from __future__ import annotations

from torch import Tensor, nn

WIDTH = 512


class ProjectionDiscriminator(nn.Module):
    """D(y, f) = w h(y) + f V h(y), h two hidden layers.

    Parameters
    ----------
    feature_dimension : int
        Length of the features.
    scale : Tensor
        Shape (k,): standard deviation of each number of a picture.
    """

    def __init__(self, feature_dimension: int, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer('scale', scale.clone())
        self.hidden = nn.Sequential(
            nn.Linear(len(scale), WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH),
            nn.LeakyReLU(0.2))
        self.realism = nn.Linear(WIDTH, 1)
        self.fit = nn.Linear(WIDTH, feature_dimension, bias=False)

    def forward(self, pictures: Tensor, features: Tensor) -> Tensor:
        """Return a logit per picture, shape (n,), of coordinates (n, k) and features (n, d)."""
        hidden = self.hidden(pictures / self.scale)
        fit = (self.fit(hidden) * features).sum(1) / features.shape[1] ** 0.5
        return self.realism(hidden)[:, 0] + fit
