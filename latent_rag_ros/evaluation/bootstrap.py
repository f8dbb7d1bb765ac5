"""Confidence intervals by resampling identities (Efron's percentile bootstrap over clusters)."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def confidence_interval(values: NDArray[np.float64], identities: NDArray[np.int64],
                        resamples: int = 2000, level: float = 0.95,
                        seed: int = 0) -> tuple[float, float]:
    """Return the interval of the mean of `values` when other identities had been drawn.

    Pictures of one person are not independent, so whole identities are drawn with replacement,
    each with all its values. The gallery of a ranking stays as it is.

    Parameters
    ----------
    values : NDArray
        Shape (n,), one value per picture; NaN is left out.
    identities : NDArray
        Shape (n,), whose picture it is.
    resamples : int
        Number of draws.
    level : float
        Share of the draws inside the interval, 0..1.
    seed : int
        Seed of the draws; the same seed gives the same interval.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Raises
    ------
    ValueError
        There is no value, or the lengths differ.
    """
    if len(values) != len(identities):
        raise ValueError(f'{len(values)} values but {len(identities)} identities; '
                         'give one identity per value')
    known = ~np.isnan(values)
    if not known.any():
        raise ValueError('values are all NaN or empty; give at least one number')
    _, index = np.unique(identities[known], return_inverse=True)
    sums = np.bincount(index, weights=values[known])
    counts = np.bincount(index)
    draws = np.random.default_rng(seed).integers(len(sums), size=(resamples, len(sums)))
    means = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
