"""MINE: a lower estimate of the mutual information of two codes.

Belghazi et al., "Mutual Information Neural Estimation", ICML 2018. For any critic T the
Donsker-Varadhan representation is a lower bound (their eq. 10):

    I >= E_p(x,y)[T] - log E_p(x)p(y)[exp T].

The gradient of the logarithm is corrected by a running mean (their section 3.2). A small value
certifies nothing: a weak critic finds little. That is why CLUB stands beside it.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

RUNNING_SHARE = 0.05


class Mine(nn.Module):
    """The critic T(x, y) and the estimate made with it.

    Parameters
    ----------
    x_dimension, y_dimension : int
        Lengths of the codes.
    hidden : int
        Width of the critic.
    """

    def __init__(self, x_dimension: int, y_dimension: int, hidden: int = 64) -> None:
        super().__init__()
        self.critic = nn.Sequential(
            nn.Linear(x_dimension + y_dimension, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        self.register_buffer('running_mean', torch.ones(()))

    def scores(self, x: Tensor, y: Tensor) -> Tensor:
        """Return T (n,) of rows that are taken together."""
        return self.critic(torch.cat([x, y], 1)).squeeze(1)

    def loss(self, x: Tensor, y: Tensor) -> Tensor:
        """Return what the critic is trained by, a scalar; moves the running mean.

        `x` (n, d) and `y` (n, e) belong together row by row; shuffled they do not.
        """
        apart = self.scores(x, y[torch.randperm(len(y), device=y.device)]).exp()
        self.running_mean.lerp_(apart.detach().mean(), RUNNING_SHARE)
        return apart.mean() / self.running_mean - self.scores(x, y).mean()

    def forward(self, x: Tensor, y: Tensor, rounds: int = 8) -> Tensor:
        """Return the estimate in nats, a scalar.

        Rows are taken apart by shifting `y` in `rounds` ways, at most n - 1.
        """
        rounds = min(rounds, len(y) - 1)
        shifts = [1 + number * (len(y) - 1) // rounds for number in range(rounds)]
        apart = torch.cat([self.scores(x, y.roll(shift, 0)) for shift in shifts])
        return self.scores(x, y).mean() - (torch.logsumexp(apart, 0) - math.log(len(apart)))
