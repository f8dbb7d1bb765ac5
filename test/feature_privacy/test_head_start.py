"""Where a head starts: what follows the picture is left out, and all looks are spread alike."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from latent_rag_ros.feature_privacy.discriminant import private_discriminants
from latent_rag_ros.feature_privacy.head_start import optimal_transport, started_head
from latent_rag_ros.feature_privacy.labelled_features import LabelledFeatures
from latent_rag_ros.feature_privacy.protection_head import BOTTLENECK, scaled
from latent_rag_ros.feature_privacy.settings import ProtectionSettings

PEOPLE, CROPS_EACH, DIMENSION = 600, 4, 256
LOOK, NUISANCE = slice(0, 2), slice(2, 6)
DARK, LIGHT = slice(6, 60), slice(60, 114)


@pytest.fixture(scope='module')
def people() -> LabelledFeatures:
    """Return people whose looks move their features, and choose in which numbers they differ."""
    random = np.random.default_rng(8)
    looks = random.standard_normal((PEOPLE, 2))
    features = 0.3 * random.standard_normal((PEOPLE, DIMENSION))
    features[:, LOOK] = 3 * looks
    features[:, DARK] *= np.exp(-looks[:, :1])
    features[:, LIGHT] *= np.exp(looks[:, :1])
    features = np.repeat(features, CROPS_EACH, axis=0)
    features += 0.05 * random.standard_normal(features.shape)
    features[:, NUISANCE] += 2 * random.standard_normal((len(features), 4))
    pictures = np.repeat(looks, CROPS_EACH, axis=0)
    return LabelledFeatures(
        torch.nn.functional.normalize(torch.from_numpy(features).float()),
        torch.from_numpy(pictures).float(), np.repeat(np.arange(PEOPLE), CROPS_EACH))


def weight_on(directions: torch.Tensor, numbers: slice) -> float:
    """Return the share of the directions' length that lies in some of the numbers."""
    return float(directions[:, numbers].square().sum() / directions.square().sum())


def test_directions_leave_out_what_draws_pictures_and_what_tells_nobody_apart(people):
    without = private_discriminants(people, 40, shrinkage=1.0, picture_weight=0.0)
    directions = private_discriminants(people, 40, shrinkage=1.0, picture_weight=50.0)
    assert directions.shape == (40, DIMENSION)
    assert weight_on(without, LOOK) > 0.02
    assert weight_on(directions, LOOK) < 0.1 * weight_on(without, LOOK)
    assert weight_on(directions, NUISANCE) < 0.001


def test_more_directions_than_numbers_are_refused(people):
    with pytest.raises(ValueError, match='choose 1 to 256'):
        private_discriminants(people, 257, 1.0, 1.0)


def test_optimal_transport_turns_one_covariance_into_the_other():
    first, second = (torch.cov(torch.from_numpy(np.random.default_rng(seed).standard_normal(
        (6, 50)))) for seed in (1, 2))
    moved = optimal_transport(first, second)
    assert torch.allclose(moved @ first @ moved, second, atol=1e-6)
    assert torch.allclose(moved, moved.T, atol=1e-8)


def test_dark_and_light_people_are_spread_alike_after_the_head_and_not_before_it(people):
    settings = replace(ProtectionSettings(), shrinkage=1.0, picture_weight=2.0, group_width=0.5)
    head = started_head(people, settings).eval()
    is_dark = people.pictures[:, 0] < 0
    with torch.no_grad():
        before = head.direct(scaled(people.features))
        after = head(people.features)

    def difference(rows: torch.Tensor) -> float:
        """Return how far the covariances of both are apart, as a share of that of everybody."""
        dark, light = (torch.cov(rows[chosen].T) for chosen in (is_dark, ~is_dark))
        return float((dark - light).norm() / torch.cov(rows.T).norm())

    assert difference(before) > 1
    assert difference(after) < 0.6 * difference(before)
    assert after.shape == (len(people.features), BOTTLENECK)
    gap = (after[is_dark].mean(0) - after[~is_dark].mean(0)).norm() / after.std(0).norm()
    assert gap < 0.2


def test_groups_cover_everybody_and_change_gradually(people):
    head = started_head(people, ProtectionSettings()).eval()
    shares = head.shares(scaled(people.features))
    assert torch.allclose(shares.sum(1), torch.ones(len(shares)), atol=1e-5)
    assert shares.mean(0).min() > 0.02
    assert shares.amax(1).mean() < 0.95
