"""Where a protection head starts: in closed form, what can be hidden without learning.

Two things of plain features draw pictures: directions that follow the picture linearly, and
how features are spread, which is not the same for people in dark and in light clothes. The first
are left out (`private_discriminants`), the second is made the same for all (`optimal_transport`).
"""
from __future__ import annotations

import numpy as np
import torch
from scipy.cluster.vq import kmeans2
from torch import Tensor

from latent_rag_ros.feature_privacy.discriminant import private_discriminants
from latent_rag_ros.feature_privacy.labelled_features import LabelledFeatures
from latent_rag_ros.feature_privacy.protection_head import (
    BOTTLENECK, GROUPS, READ, ProtectionHead, scaled)
from latent_rag_ros.feature_privacy.settings import ProtectionSettings

READ_RIDGE = 0.1
"""Regularisation of the linear fit to looks, in shares of the mean variance."""
SHRINKAGE_OF_GROUPS = 0.03
"""Covariances of groups are drawn towards that of everybody: a group may be small."""


@torch.no_grad()
def started_head(people: LabelledFeatures, settings: ProtectionSettings) -> ProtectionHead:
    """Return a head whose features have one mean and one covariance in all its groups.

    Parameters
    ----------
    people : LabelledFeatures
        At least `GROUPS` rows.
    settings : ProtectionSettings
        `shrinkage`, `picture_weight` and `group_width` count.
    """
    head = ProtectionHead()
    features = scaled(people.features.cpu())
    looks = people.pictures[:, :READ].cpu()
    reader, offset = _linear_fit(features, looks)
    spread = (features @ reader.T + offset).std(0)
    head.reader.weight.copy_(reader / spread[:, None])
    head.reader.bias.copy_(offset / spread)
    centres = _centres(head.reader(features), settings.seed)
    distances = torch.cdist(centres, centres).fill_diagonal_(float('inf'))
    head.centres.copy_(centres)
    head.width.fill_(settings.group_width * float(distances.amin(1).mean()))
    directions = private_discriminants(people, BOTTLENECK, settings.shrinkage,
                                       settings.picture_weight)
    head.direct.weight.copy_(directions / (features @ directions.T).std())
    _align(head, features)
    return head.to(people.features.device)


def _align(head: ProtectionHead, features: Tensor) -> None:
    """Set the map of every group so that all groups get the same mean and covariance."""
    projected = head.direct(features).double()
    whole = torch.cov(projected.T, correction=0)
    for group, weights in enumerate(head.shares(features).double().T):
        mean = weights @ projected / weights.sum()
        own = torch.cov(projected.T, correction=0, aweights=weights)
        moved = optimal_transport(torch.lerp(own, whole, SHRINKAGE_OF_GROUPS), whole)
        head.turns[group].copy_(moved)
        head.shifts[group].copy_(-mean @ moved)


def optimal_transport(source: Tensor, target: Tensor) -> Tensor:
    """Return the map (d, d) that moves a Gaussian onto another one with the least effort.

    It is symmetric: A^-1/2 (A^1/2 B A^1/2)^1/2 A^-1/2 for covariances A and B (Gelbrich, 1990).
    """
    root, inverse = _power(source, 0.5), _power(source, -0.5)
    return inverse @ _power(root @ target @ root, 0.5) @ inverse


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Return a power of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp(min=1e-9) ** exponent) @ vectors.T


def _linear_fit(features: Tensor, looks: Tensor) -> tuple[Tensor, Tensor]:
    """Return weight (r, d) and offset (r,) of a ridge regression from features to looks."""
    centred = (features - features.mean(0)).double()
    gram = centred.T @ centred
    gram += READ_RIDGE * gram.trace() / len(gram) * torch.eye(len(gram), dtype=gram.dtype)
    wanted = (looks - looks.mean(0)).double()
    weight = torch.linalg.solve(gram, centred.T @ wanted).T.to(features)
    return weight, -weight @ features.mean(0)


def _centres(looks: Tensor, seed: int) -> Tensor:
    """Return the centres (`GROUPS`, r) of groups that look alike."""
    centres, _ = kmeans2(looks.numpy().astype(np.float64), GROUPS, minit='++', seed=seed)
    return torch.from_numpy(centres).float()
