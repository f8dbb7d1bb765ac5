"""How well one threshold tells people apart: the true accept rate at a false accept rate.

The 1:1 protocol of face verification (NIST FRVT) on person crops: every pair of crops counts.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.ranking import Labels

RESAMPLES = 500


@dataclass(frozen=True)
class Pairs:
    """Every pair of crops from different cameras (or tracks).

    Parameters
    ----------
    similarity : NDArray
        Cosine of every pair, shape (pairs,), float32.
    first, second : NDArray
        Index of either crop's identity, shape (pairs,), counted from 0.
    """

    similarity: NDArray[np.float32]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @classmethod
    def of(cls, features: NDArray[np.float32], labels: Labels) -> Pairs:
        """Return the pairs of features (n, d), rows of unit length."""
        _, identities = np.unique(labels.identities, return_inverse=True)
        one, other = np.triu_indices(len(features), 1)
        kept = labels.cameras[one] != labels.cameras[other]
        one, other = one[kept], other[kept]
        return cls((features @ features.T)[one, other], identities[one], identities[other])

    @property
    def genuine(self) -> NDArray[np.bool_]:
        """Where both crops show one person, shape (pairs,)."""
        return self.first == self.second


@dataclass(frozen=True)
class VerificationRate:
    """True accept rate, the threshold it was read at, and what it was counted on."""

    rate: float
    interval: tuple[float, float]
    threshold: float
    genuine_pairs: int
    impostor_pairs: int


def true_accept_rate(pairs: Pairs, false_accept_rate: float = 0.01, seed: int = 0,
                     resamples: int = RESAMPLES) -> VerificationRate:
    """Return the share of genuine pairs above the threshold that few impostor pairs exceed.

    Parameters
    ----------
    pairs : Pairs
        Genuine and impostor pairs.
    false_accept_rate : float
        Share of the impostor pairs that may lie above the threshold, 0..1.
    seed, resamples : int
        Of the 95 % interval: identities are drawn with replacement, each with all its crops, and
        the threshold is read again; pairs between two draws of one person do not count.

    Raises
    ------
    ValueError
        There is no genuine or no impostor pair.
    """
    genuine = pairs.genuine
    if genuine.all() or not genuine.any():
        raise ValueError(f'{genuine.sum()} genuine and {(~genuine).sum()} impostor pairs; give '
                         'people who are seen by two cameras, and at least two people')
    order = np.argsort(-pairs.similarity[~genuine])
    impostors = Pairs(pairs.similarity[~genuine][order], pairs.first[~genuine][order],
                      pairs.second[~genuine][order])
    own, whose = pairs.similarity[genuine], pairs.first[genuine]
    count = int(max(pairs.first.max(), pairs.second.max())) + 1
    rate, threshold = _rate(own, whose, impostors, np.ones(count), false_accept_rate)
    random = np.random.default_rng(seed)
    drawn = [np.bincount(random.integers(count, size=count), minlength=count).astype(float)
             for _ in range(resamples)]
    rates = [_rate(own, whose, impostors, times, false_accept_rate)[0] for times in drawn]
    low, high = np.nanpercentile(rates, [2.5, 97.5])
    return VerificationRate(rate, (float(low), float(high)), threshold, len(own),
                            len(impostors.similarity))


def _rate(own: NDArray[np.float32], whose: NDArray[np.int64], impostors: Pairs,
          times: NDArray[np.float64], false_accept_rate: float) -> tuple[float, float]:
    """Return rate and threshold when every identity counts `times`; NaN without such pairs.

    `impostors` are sorted, most similar first.
    """
    weights = times[impostors.first] * times[impostors.second]
    cumulative = np.cumsum(weights)
    genuine_weights = times[whose]
    if cumulative[-1] == 0 or genuine_weights.sum() == 0:
        return float('nan'), float('nan')
    allowed = np.searchsorted(cumulative, false_accept_rate * cumulative[-1], side='right')
    threshold = impostors.similarity[allowed]
    accepted = genuine_weights[own > threshold].sum()
    return float(accepted / genuine_weights.sum()), float(threshold)
