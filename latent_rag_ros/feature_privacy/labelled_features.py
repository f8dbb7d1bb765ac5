"""What a protection head learns from: plain features of rendered people, with their pictures."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.feature_privacy.picture_space import OwnPictures
from latent_rag_ros.training.crops import Crops

BATCH = 128


@dataclass(frozen=True)
class LabelledFeatures:
    """Features of crops, row by row.

    Parameters
    ----------
    features : Tensor
        Plain features, shape (n, 256), L2 norm 1.
    pictures : Tensor
        Coordinates of the pictures they were made of, shape (n, k), see `PictureSpace`.
    identities : NDArray
        Shape (n,), int64.
    """

    features: Tensor
    pictures: Tensor
    identities: NDArray[np.int64]


def mean_directions(features: Tensor, labels: NDArray[np.int64]) -> Tensor:
    """Return the normalised mean feature of each label 0, 1, ..., shape (labels, d).

    Features (n, d) of one length, labels (n,).
    """
    sums = torch.zeros(int(labels.max()) + 1, features.shape[1]).to(features)
    rows = torch.from_numpy(labels).to(features.device)
    return functional.normalize(sums.index_add(0, rows, features))


def labelled_features(crops: Crops, embedder: nn.Module, crops_per_identity: int, seed: int,
                      device: torch.device) -> LabelledFeatures:
    """Return features and pictures of some crops of every person.

    Parameters
    ----------
    crops : Crops
        With masks; raises `ValueError` without.
    embedder : nn.Module
        Frozen, on `device`; has `embed`.
    crops_per_identity : int
        At most so many crops of each person are taken.
    seed : int
        Draws them.
    device : torch.device
    """
    random = np.random.default_rng(seed)
    rows = np.concatenate([
        random.permutation(np.flatnonzero(crops.identities == identity))[:crops_per_identity]
        for identity in np.unique(crops.identities)])
    masks = crops.mask(rows)[:, 0].numpy() > 0.5
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16):
        features = [embedder.embed(crops.tensor(part).to(device)).float()
                    for part in np.array_split(rows, -(-len(rows) // BATCH))]
    pictures = OwnPictures(crops.images[rows], masks).coordinates.to(device)
    return LabelledFeatures(torch.cat(features), pictures, crops.identities[rows])
