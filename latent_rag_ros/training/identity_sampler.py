"""Which crops go into a batch: P identities that are hard to tell apart, K crops of each."""
from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


class IdentitySampler:
    """Draws anchors and the identities nearest to them by the classifier's own directions.

    Parameters
    ----------
    identities : NDArray
        Shape (n,), int64: the identity of each crop; each has at least `crops_each`.
    identities_per_batch, crops_each, anchors : int
        P, K, and how many of the P are drawn at random; the others are their neighbours.

    Raises
    ------
    ValueError
        There are fewer identities than a batch needs, or one has too few crops.
    """

    def __init__(self, identities: NDArray[np.int64], identities_per_batch: int, crops_each: int,
                 anchors: int) -> None:
        self.labels = np.unique(identities, return_inverse=True)[1]
        self.identities = int(self.labels.max()) + 1
        self._rows_of = [np.flatnonzero(self.labels == label) for label in range(self.identities)]
        fewest = min(len(rows) for rows in self._rows_of)
        if self.identities < identities_per_batch or fewest < crops_each:
            raise ValueError(
                f'a batch needs {identities_per_batch} identities with {crops_each} crops each; '
                f'got {self.identities} identities, one of them with {fewest} crops: render more')
        self._count, self._each, self._anchors = identities_per_batch, crops_each, anchors

    def rows(self, random: np.random.Generator, directions: Tensor) -> NDArray[np.int64]:
        """Return the rows of one batch, shape (P * K,).

        `directions` has shape (identities, dimension): where the classifier sees each identity.
        """
        anchors = random.choice(self.identities, self._anchors, replace=False)
        chosen = list(dict.fromkeys([*anchors, *self._neighbours(anchors, directions)]))
        chosen = chosen[:self._count]
        others = [label for label in random.permutation(self.identities) if label not in chosen]
        chosen += others[:self._count - len(chosen)]
        return np.concatenate([random.choice(self._rows_of[label], self._each, replace=False)
                               for label in chosen])

    def _neighbours(self, anchors: NDArray[np.int64], directions: Tensor) -> list[int]:
        """Return the identities nearest to each anchor, the nearest ones of all anchors first."""
        normalised = functional.normalize(directions.float())
        each = self._count // self._anchors
        similarity = normalised[torch.from_numpy(anchors)] @ normalised.t()
        nearest = similarity.topk(min(each, self.identities), dim=1).indices
        return nearest.t().flatten().tolist()
