"""CLUB: an upper estimate of the mutual information of two codes.

Cheng et al., "CLUB: A Contrastive Log-ratio Upper Bound of Mutual Information", ICML 2020, eq. 6:
with the variational q(y | x) = N(mu(x), diag exp(v(x)))

    I_CLUB = E_p(x,y)[log q(y | x)] - E_p(x) E_p(y)[log q(y | x)],

an upper bound where q is closer to p(y | x) than to p(y); q is fitted by maximum likelihood. The
paper of this package calls its MINE estimate an upper bound; MINE is a lower one (`mine`).
"""
from __future__ import annotations

from torch import Tensor, nn

LOG_VARIANCE_LIMIT = 8.0
"""Keeps a q that has found a constant from becoming infinitely sure."""


def _network(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))


class Club(nn.Module):
    """The variational q(y | x) and the estimate made with it.

    Parameters
    ----------
    x_dimension, y_dimension : int
        Lengths of the codes.
    hidden : int
        Width of the two small networks.
    """

    def __init__(self, x_dimension: int, y_dimension: int, hidden: int = 64) -> None:
        super().__init__()
        self.mean = _network(x_dimension, hidden, y_dimension)
        self.log_variance = _network(x_dimension, hidden, y_dimension)

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        bounded = LOG_VARIANCE_LIMIT * (self.log_variance(x) / LOG_VARIANCE_LIMIT).tanh()
        return self.mean(x), bounded

    def negative_log_likelihood(self, x: Tensor, y: Tensor) -> Tensor:
        """Return -E[log q(y | x)] without its constant; what q is trained by.

        `x` (n, d) and `y` (n, e) are float and belong together row by row. Returns a scalar.
        """
        mean, log_variance = self._moments(x)
        return 0.5 * ((y - mean).square() * (-log_variance).exp() + log_variance).sum(1).mean()

    def terms(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the estimate's term of every x, shape (n,), in nats.

        Every x meets every y: E_j (y_j - mu_i)^2 = (E y - mu_i)^2 + Var y needs no n x n table.
        """
        mean, log_variance = self._moments(x)
        together = (y - mean).square()
        apart = (y.mean(0) - mean).square() + y.var(0, unbiased=False)
        return 0.5 * ((apart - together) * (-log_variance).exp()).sum(1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the estimate in nats, a scalar; gradients reach x and y, to lower it."""
        return self.terms(x, y).mean()
