"""Discriminant directions that say little about the picture: where a protection head starts."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latent_rag_ros.feature_privacy.labelled_features import LabelledFeatures


def private_discriminants(people: LabelledFeatures, count: int, shrinkage: float,
                          picture_weight: float) -> Tensor:
    """Return Fisher's linear discriminants under a penalty, shape (count, d), the strongest first.

    They maximise `u S_b u / u (S_w + a I + b C C^T) u`: S_b and S_w are the scatter between and
    within people, C the covariance of features and pictures. In closed form that is the best
    linear protection against linear reversal (Sadeghi, Yu, Boddeti, ICCV 2019, for a classifier).
    What varies within people, such as pose and light, goes as well: it draws pictures and
    recognises nobody.

    Parameters
    ----------
    people : LabelledFeatures
        Features of length d.
    count : int
        At most d; raises `ValueError` otherwise.
    shrinkage, picture_weight : float
        a and b: how large the regularisation (Friedman, JASA 1989) and the penalty are in all,
        as shares of S_w.
    """
    dimension = people.features.shape[1]
    if not 0 < count <= dimension:
        raise ValueError(f'{count} discriminant directions of features of length {dimension}; '
                         f'choose 1 to {dimension}')
    rows, pictures = people.features.double().cpu(), people.pictures.double().cpu()
    labels = torch.from_numpy(np.unique(people.identities, return_inverse=True)[1])
    sums = torch.zeros(int(labels.max()) + 1, dimension, dtype=rows.dtype)
    means = sums.index_add(0, labels, rows) / torch.bincount(labels)[:, None]
    within = _scatter(rows - means[labels])
    told = (rows - rows.mean(0)).T @ (pictures - pictures.mean(0)) / len(rows)
    identity = torch.eye(dimension, dtype=rows.dtype)
    costs = within + within.trace() * (shrinkage * identity / dimension
                                       + picture_weight * _share(told @ told.T))
    variances, directions = torch.linalg.eigh(costs)
    whitening = directions / variances.sqrt()
    between = _scatter((means - means.mean(0)) @ whitening)
    strongest = torch.linalg.eigh(between)[1].flip(1)[:, :count]
    return (whitening @ strongest).T.to(people.features)


def _scatter(centred: Tensor) -> Tensor:
    return centred.T @ centred / len(centred)


def _share(matrix: Tensor) -> Tensor:
    return matrix / matrix.trace().clamp(min=1e-12)
