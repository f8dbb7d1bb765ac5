"""Judges every result before it is shown: in time, trustworthy, from a living camera.

A supervisor in the manner of Nav2's collision monitor: it sees only times and results, never
pixels, and can only make the outcome safer.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.blank import blank_frame
from latent_rag_ros.protection.error_budget import ErrorBudget
from latent_rag_ros.protection.source_health import SilentSource, StuckSource
from latent_rag_ros.protection.types import Outcome, ProtectedFrame, Reason

FAULTS = frozenset({Reason.DETECTOR_FAILED, Reason.LATE, Reason.INTERNAL_ERROR,
                    Reason.OUT_OF_MEMORY, Reason.WORKER_HUNG})
"""Reasons of blanked frames that are the filter's own fault; a camera's bad image is none."""

BLANK_SHARE, BLANK_TIME_S = 0.1, 0.05
"""A blank frame is sent this much before the deadline, so that it arrives before it."""


class Guard:
    """The rules of one activation. Not safe from several threads: its owner holds a lock.

    Parameters
    ----------
    values : Mapping
        All parameters of the protector, checked.
    now_s : float
        Monotonic clock at the activation; all times below are on this clock, in seconds.
    """

    def __init__(self, values: Mapping[str, Value], now_s: float) -> None:
        self._fill_level = values['protection.fill_level']
        deadline_s = values['guard.deadline_s']
        self._allowed_s = deadline_s - min(BLANK_TIME_S, BLANK_SHARE * deadline_s)
        self._budget = ErrorBudget(values['guard.fault_frames_max'],
                                   values['guard.fault_window_frames'],
                                   values['guard.clean_frames_min'])
        self._silence = SilentSource(values['guard.input_timeout_s'], now_s)
        self._stuck = StuckSource(values['guard.stuck_frames'])
        self._timeout_s = values['guard.input_timeout_s']

    def due_s(self, received_s: float) -> float:
        """Return when a frame received at `received_s` has to be answered, protected or not."""
        return received_s + self._allowed_s

    def arrive(self, now_s: float) -> None:
        """Note that the camera sent something."""
        self._silence.arrive(now_s)

    def look_at(self, picture: int, stamp: int) -> None:
        """Note a checksum of a frame's bytes and its stamp, to notice a stuck camera."""
        self._stuck.add(picture, stamp)

    def silence(self, now_s: float) -> tuple[Reason, str]:
        """Return why nothing can be shown when the camera is silent; `Reason.NONE` otherwise."""
        if not self._silence.is_silent(now_s):
            return Reason.NONE, ''
        reason = Reason.STALE if self._silence.sent else Reason.NO_INPUT
        return reason, f'for {self._timeout_s:g} s'

    def judge(self, frame: ProtectedFrame, received_s: float, now_s: float) -> ProtectedFrame:
        """Return what of a finished frame may be shown: itself, or a blank frame of its size.

        A protected frame is blanked when it is late, and while the error budget is exceeded. A
        stuck camera is named as the reason where there is no graver one.
        """
        if frame.outcome == Outcome.PROTECTED and now_s > self.due_s(received_s):
            frame = self._blanked(frame, Reason.LATE, f'{now_s - received_s:.2f} s after its '
                                  'reception; raise guard.deadline_s or make the work smaller')
        self._budget.add(frame.outcome == Outcome.BLANKED and frame.reason in FAULTS)
        if frame.outcome == Outcome.PROTECTED and self._budget.exceeded:
            return self._blanked(frame, Reason.ERROR_BUDGET, self._budget.text)
        if frame.reason == Reason.NONE and self._stuck.text:
            return replace(frame, reason=Reason.SOURCE_STUCK, message=self._stuck.text)
        return frame

    def _blanked(self, frame: ProtectedFrame, reason: Reason, message: str) -> ProtectedFrame:
        return blank_frame(*frame.image.shape[:2], self._fill_level, reason, message,
                           frame.latency_s)
