"""The states of the filter, and the one that follows from a frame."""
from __future__ import annotations

from enum import IntEnum

from latent_rag_ros.protection.types import Outcome, ProtectedFrame, Reason


class State(IntEnum):
    """State of the filter; the values equal `ProtectionStatus.STATE_*`."""

    UNCONFIGURED = 0
    INACTIVE = 1
    PROTECTING = 2
    DEGRADED = 3
    BLANKING = 4


def state_after(frame: ProtectedFrame) -> State:
    """Return the state of a filter whose last frame was this one."""
    if frame.outcome == Outcome.BLANKED:
        return State.BLANKING
    return State.PROTECTING if frame.reason == Reason.NONE else State.DEGRADED


def describe(state: State, reason: Reason, message: str) -> str:
    """Return one line for a human, such as `blanking: no input: waiting for the first frame`."""
    reason_text = '' if reason == Reason.NONE else reason.name.lower().replace('_', ' ')
    return ': '.join(filter(None, (state.name.lower(), reason_text, message)))
