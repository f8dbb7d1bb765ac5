"""Measures how long each stage of a frame takes."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class StageClock:
    """Seconds per stage of one frame, in the order in which the stages began."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._waits: tuple[str, float] | None = None

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time spent in the `with` block to `stage`, also when the block raises."""
        began_s = time.perf_counter()
        self.seconds.setdefault(stage, 0.0)
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - began_s

    def wait(self, stage: str) -> None:
        """Begin to count time as `stage`, until `resume`: the frame waits for later ones."""
        self._waits = stage, time.perf_counter()

    def resume(self) -> None:
        """Count the time since `wait`; does nothing where nothing waited."""
        if self._waits is not None:
            stage, began_s = self._waits
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - began_s
            self._waits = None
