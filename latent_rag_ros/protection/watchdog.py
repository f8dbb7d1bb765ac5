"""A thread that looks after the others."""
from __future__ import annotations

import logging
import threading
from collections.abc import Callable

LOGGER = logging.getLogger(__name__)


class Watchdog:
    """Calls `check` again and again in a thread of its own.

    Parameters
    ----------
    check : Callable
        Returns after how many seconds it wants to be called again.
    period_s : float
        Longest time between two calls, in seconds.
    """

    def __init__(self, check: Callable[[], float], period_s: float) -> None:
        self._check, self._period_s = check, period_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name='watchdog', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for its end."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = 0.0
        while not self._ended.wait(pause_s):
            pause_s = self._period_s
            try:
                pause_s = min(pause_s, max(0.0, self._check()))
            except Exception:  # a dead watchdog would guard nothing
                LOGGER.exception('the watchdog goes on')
