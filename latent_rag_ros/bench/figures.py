"""Numbers about many measurements: distributions, slopes and growth."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Figures = dict[str, float | int]
"""Figures by name, ready for JSON."""


def distribution(values: Sequence[float]) -> Figures:
    """Return `p50`, `p95`, `p99`, `mean` and `count` of values; only `count` for none."""
    if not len(values):
        return {'count': 0}
    shares = np.percentile(np.asarray(values, np.float64), (50, 95, 99))
    return {name: round(float(value), 3) for name, value in
            zip(('p50', 'p95', 'p99', 'mean'), (*shares, np.mean(values)))} | {
                'count': len(values)}


def slope(places: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the straight line of least squares; 0 for fewer than two places."""
    if len(set(places)) < 2:
        return 0.0
    return float(np.polyfit(np.asarray(places, np.float64), np.asarray(values, np.float64), 1)[0])


def growth_exponent(work: Sequence[float], costs: Sequence[float]) -> float | None:
    """Return k of the power law cost ~ work^k, by least squares of the logarithms.

    1 is linear growth. Points without work or without cost are left out; None where fewer than
    two are left.
    """
    points = [(amount, cost) for amount, cost in zip(work, costs) if amount > 0 and cost > 0]
    if len({amount for amount, _ in points}) < 2:
        return None
    amounts, kept = np.log(np.asarray(points, np.float64)).T
    return round(slope(amounts.tolist(), kept.tolist()), 3)
