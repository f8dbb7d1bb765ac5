"""How many frames may fail before nothing is shown any more, and when it is shown again."""
from __future__ import annotations

from collections import deque


class ErrorBudget:
    """Counts failed frames with hysteresis, so that a flapping part does not make a flapping view.

    Parameters
    ----------
    fault_frames_max : int
        More faults than this in the window exceed the budget.
    window_frames : int
        Number of last frames that are looked at.
    clean_frames_min : int
        Frames in a row without a fault that restore an exceeded budget; the last of them counts.

    Attributes
    ----------
    exceeded : bool
        Whether everything has to be blanked.
    """

    def __init__(self, fault_frames_max: int, window_frames: int, clean_frames_min: int) -> None:
        self._faults_max, self._clean_min = fault_frames_max, clean_frames_min
        self._recent: deque[bool] = deque(maxlen=window_frames)
        self._clean_frames = 0
        self.exceeded = False

    def add(self, faulty: bool) -> None:
        """Take one frame into account."""
        self._recent.append(faulty)
        self._clean_frames = 0 if faulty else self._clean_frames + 1
        if not self.exceeded:
            self.exceeded = sum(self._recent) > self._faults_max
        elif self._clean_frames >= self._clean_min:
            self.exceeded = False
            self._recent.clear()

    @property
    def text(self) -> str:
        """How far the recovery is, in one line."""
        return (f'more than {self._faults_max} of {self._recent.maxlen} frames failed; '
                f'{self._clean_frames} of {self._clean_min} good frames in a row since')
