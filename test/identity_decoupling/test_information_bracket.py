"""CLUB and MINE on Gaussians whose mutual information is known."""
from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from latent_rag_ros.identity_decoupling.club import LOG_VARIANCE_LIMIT, Club
from latent_rag_ros.identity_decoupling.information_bracket import (
    InformationSettings, information_bracket)

DIMENSION, PAIRS = 2, 4000
SETTINGS = InformationSettings(iterations=300, hidden=32, resamples=20)


def gaussians(correlation: float) -> tuple[Tensor, Tensor]:
    """Return pairs of normal codes (n, 2), correlated dimension by dimension."""
    generator = torch.Generator().manual_seed(1)
    x, noise = torch.randn(2, PAIRS, DIMENSION, generator=generator)
    return x, correlation * x + math.sqrt(1 - correlation ** 2) * noise


def information_bits(correlation: float) -> float:
    """Return the mutual information of such pairs: -d/2 log2(1 - r^2)."""
    return -DIMENSION / 2 * math.log2(1 - correlation ** 2)


@pytest.mark.parametrize('correlation', [0.5, 0.8])
def test_bracket_holds_the_information_of_gaussians(correlation: float) -> None:
    bracket = information_bracket(*gaussians(correlation), SETTINGS)
    truth = information_bits(correlation)
    assert 0.6 * truth < bracket.mine.bits < 1.1 * truth
    assert bracket.club.bits > truth
    for estimate in (bracket.mine, bracket.club):
        assert estimate.low_bits < estimate.bits < estimate.high_bits


def test_bracket_is_near_zero_when_codes_are_independent() -> None:
    x, _ = gaussians(0.0)
    bracket = information_bracket(x, x.roll(1, 0), SETTINGS)
    assert abs(bracket.mine.bits) < 0.1 and abs(bracket.club.bits) < 0.1


def test_club_is_its_closed_form_when_q_is_exact() -> None:
    """For q = p the estimate of such pairs is d r^2 / (1 - r^2) nats."""
    correlation = 0.6
    x, y = gaussians(correlation)
    club, variance = Club(DIMENSION, DIMENSION), 1 - correlation ** 2
    club.mean = torch.nn.Linear(DIMENSION, DIMENSION, bias=False)
    club.log_variance = torch.nn.Linear(DIMENSION, DIMENSION)
    with torch.no_grad():
        club.mean.weight.copy_(correlation * torch.eye(DIMENSION))
        club.log_variance.weight.zero_()
        club.log_variance.bias.fill_(
            LOG_VARIANCE_LIMIT * math.atanh(math.log(variance) / LOG_VARIANCE_LIMIT))
    expected = DIMENSION * correlation ** 2 / variance
    assert float(club(x, y).detach()) == pytest.approx(expected, rel=0.1)


def test_club_equals_the_table_of_all_pairs() -> None:
    x, y = (values[:50] for values in gaussians(0.7))
    club = Club(DIMENSION, DIMENSION)
    mean, log_variance = club._moments(x)
    distances = (y[None] - mean[:, None]).square() * (-log_variance).exp()[:, None]
    logs = -0.5 * distances.sum(2)
    expected = (logs.diagonal() - logs.mean(1)).mean()
    assert float(club(x, y).detach()) == pytest.approx(float(expected.detach()), rel=1e-4)


def test_club_can_be_lowered_by_gradients_into_the_codes() -> None:
    x, y = gaussians(0.7)
    y.requires_grad_(True)
    Club(DIMENSION, DIMENSION)(x, y).backward()
    assert bool(y.grad.abs().sum() > 0)


def test_bracket_refuses_codes_that_do_not_belong_together() -> None:
    with pytest.raises(ValueError, match='20 and 30 codes'):
        information_bracket(torch.zeros(20, 2), torch.zeros(30, 2))
