"""How much time has passed between two frames, in usual frame periods.

Motion is predicted frame by frame. A filter that is slower than its camera drops frames, and
people move further in the time of those. Times of arrival jitter, so a step is never much shorter
than the usual one.
"""
from __future__ import annotations

GAIN = 0.1
"""Share of the newest step in the usual period."""

STEP_MIN, STEP_MAX = 0.5, 4.0
"""Shortest and longest step, in periods: after a longer gap nobody is where motion says."""


class FramePeriod:
    """Learns the usual period of frames. Deterministic."""

    def __init__(self) -> None:
        self._period_s: float | None = None
        self._last_s: float | None = None

    def step(self, now_s: float) -> float:
        """Return the periods since the last call; 1 for the first one and without a clock.

        Parameters
        ----------
        now_s : float
            Time of the frame [s]; a clock that stands still counts frames.
        """
        before_s, self._last_s = self._last_s, now_s
        if before_s is None or now_s <= before_s:
            return 1.0
        elapsed_s = now_s - before_s
        if self._period_s is None:
            self._period_s = elapsed_s
        periods = min(max(elapsed_s / self._period_s, STEP_MIN), STEP_MAX)
        self._period_s *= 1 + GAIN * (periods - 1)
        return periods
