"""Between which values the mutual information of two codes lies: [MINE, CLUB], in bits.

Both networks learn on one half of the pairs and speak about the other, which neither has seen, so
that memorised pairs add nothing. Neither end is a proof: CLUB is an upper bound only as far as its
q is good, MINE is a lower one in expectation only.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from latent_rag_ros.identity_decoupling.club import Club
from latent_rag_ros.identity_decoupling.mine import Mine

PAIRS_MIN = 16


@dataclass(frozen=True)
class InformationSettings:
    """How long the two estimators learn, and how their confidence is drawn."""

    iterations: int = 600
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 1e-4
    hidden: int = 64
    resamples: int = 200
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Estimate:
    """An estimate in bits with the limits of its bootstrap interval."""

    bits: float
    low_bits: float
    high_bits: float


@dataclass(frozen=True)
class InformationBracket:
    """The lower estimate (MINE) and the upper one (CLUB)."""

    mine: Estimate
    club: Estimate


def information_bracket(x: Tensor, y: Tensor, settings: InformationSettings | None = None,
                        device: str = 'cpu') -> InformationBracket:
    """Estimate the mutual information of codes that belong together row by row.

    Parameters
    ----------
    x, y : Tensor
        Shapes (n, d) and (n, e), float, rows independent of each other.
    settings : InformationSettings, optional
    device : str
        `cpu` or `cuda:N`.

    Raises
    ------
    ValueError
        The codes do not belong together, or there are too few.
    """
    settings = settings or InformationSettings()
    if len(x) != len(y) or len(x) < PAIRS_MIN:
        raise ValueError(f'{len(x)} and {len(y)} codes; give as many of both, at least '
                         f'{PAIRS_MIN}')
    generator = torch.Generator().manual_seed(settings.seed)
    order = torch.randperm(len(x), generator=generator)
    seen, unseen = order[:len(x) // 2], order[len(x) // 2:]
    x, y = (_standardised(values.detach().float(), seen).to(device) for values in (x, y))
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        club = Club(x.shape[1], y.shape[1], settings.hidden).to(device)
        mine = Mine(x.shape[1], y.shape[1], settings.hidden).to(device)
        for network, loss in ((club, club.negative_log_likelihood), (mine, mine.loss)):
            _fit(network, loss, x[seen], y[seen], settings)
        return InformationBracket(_estimate(mine, x[unseen], y[unseen], settings),
                                  _estimate(club, x[unseen], y[unseen], settings))


def _standardised(values: Tensor, seen: Tensor) -> Tensor:
    """Return the codes with mean 0 and deviation 1 per dimension, which changes no information."""
    deviation = values[seen].std(0)
    return (values - values[seen].mean(0)) / torch.where(deviation > 0, deviation, 1)


def _fit(network: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor,
         settings: InformationSettings) -> None:
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate,
                                  weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.iterations)
    for _ in range(settings.iterations):
        rows = torch.randint(0, len(x), (min(settings.batch, len(x)),), device=x.device)
        optimiser.zero_grad()
        loss(x[rows], y[rows]).backward()
        optimiser.step()
        schedule.step()


@torch.no_grad()
def _estimate(network: nn.Module, x: Tensor, y: Tensor, settings: InformationSettings) -> Estimate:
    """Return the estimate of a fitted network on pairs it has not seen, with its interval."""
    bits = float(network(x, y)) / math.log(2)
    resampled = torch.empty(settings.resamples)
    for number in range(settings.resamples):
        rows = torch.randint(0, len(x), (len(x),), device=x.device)
        resampled[number] = float(network(x[rows], y[rows])) / math.log(2)
    tail = (1 - settings.confidence) / 2
    low, high = torch.quantile(resampled, torch.tensor([tail, 1 - tail])).tolist()
    return Estimate(bits, low, high)
