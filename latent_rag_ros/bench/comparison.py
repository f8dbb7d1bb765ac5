"""Compares the ratios of a run with those of a baseline; times of two machines say nothing."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latent_rag_ros.evaluation.errors import EvaluationError

REGRESSION_MAX = 0.2
"""Share of a ratio that may be lost before the comparison fails."""


@dataclass(frozen=True)
class Comparison:
    """One ratio now and in the baseline; more is better."""

    name: str
    baseline: float
    now: float

    @property
    def change(self) -> float:
        """Share gained; negative for a share lost."""
        return self.now / self.baseline - 1

    @property
    def regressed(self) -> bool:
        """Whether more than `REGRESSION_MAX` was lost."""
        return self.change < -REGRESSION_MAX


def compared(results: Mapping[str, Any], baseline: Mapping[str, Any]) -> list[Comparison]:
    """Return every ratio that both results have.

    Raises
    ------
    EvaluationError
        There is none, so that nothing was compared; or they are of different kinds of device.
    """
    kinds = [str(one['about'].get('device', '')).partition(':')[0] for one in (results, baseline)]
    if kinds[0] != kinds[1]:
        raise EvaluationError(f'the run is of device {kinds[0]}, the baseline of {kinds[1]}; name '
                              'a baseline of the same kind with --baseline')
    before, now = baseline.get('ratios', {}), results.get('ratios', {})
    rows = [Comparison(name, before[name], now[name]) for name in before
            if name in now and before[name] > 0]
    if not rows:
        raise EvaluationError('run and baseline have no ratio in common; make the baseline again '
                              'with: make bench')
    return rows


def comparison_text(rows: list[Comparison]) -> str:
    """Return the comparison as lines for a human, regressions marked."""
    width = max(len(row.name) for row in rows)
    return '\n'.join(
        f'{row.name:{width}}  {row.baseline:10.4g} -> {row.now:10.4g}  {100 * row.change:+6.1f} %'
        + ('  REGRESSED' if row.regressed else '') for row in rows)
