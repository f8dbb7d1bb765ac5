"""How well somebody can tell from the attribute code who it was: a linear probe against chance."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ProbeResult:
    """Share of codes whose person was named, and what guessing reaches."""

    accuracy: float
    chance: float


def identity_probe(codes: NDArray[np.float32], identities: NDArray[np.int64],
                   penalty: float = 1e-2, seed: int = 0) -> ProbeResult:
    """Fit a ridge classifier on half of every person's codes and score it on the other half.

    Parameters
    ----------
    codes : NDArray
        Shape (n, d), float.
    identities : NDArray
        Shape (n,): who it was.
    penalty : float
        Of the squared weights, relative to the number of codes.
    seed : int
        Draws the halves.

    Raises
    ------
    ValueError
        No person has two codes, or there is only one person.
    """
    names, labels = np.unique(identities, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(codes))
    rank = np.zeros(len(codes), int)
    for label in range(len(names)):
        own = order[labels[order] == label]
        rank[own] = np.arange(len(own))
    seen = rank % 2 == 0
    if len(names) < 2 or seen.all():
        raise ValueError(f'{len(codes)} codes of {len(names)} people; give at least two people '
                         'and two codes of one of them')
    spread = codes[seen].std(0)
    scaled = (codes - codes[seen].mean(0)) / np.where(spread > 0, spread, 1)
    known, targets = scaled[seen], np.eye(len(names))[labels[seen]]
    gram = known.T @ known + penalty * len(known) * np.eye(codes.shape[1])
    weights = np.linalg.solve(gram, known.T @ (targets - targets.mean(0)))
    guessed = (scaled[~seen] @ weights + targets.mean(0)).argmax(1)
    chance = np.bincount(labels[~seen]).max() / (~seen).sum()
    return ProbeResult(float((guessed == labels[~seen]).mean()), float(chance))
