"""What the gallery knows of a person: a number, times and a camera, never a name or a picture."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """One known identity.

    Parameters
    ----------
    identity_id : int
        From 1 upwards, never used again, not even after the identity was erased.
    feature_count : int
        Features kept of it, at least 1.
    first_seen_ns, last_seen_ns : int
        Camera stamps of its first and last observation, nanoseconds.
    received_ns : int
        When it was last observed by the clock of this machine, nanoseconds since 1970. Retention
        counts from here, because stamps are as right as the clock of the camera.
    camera : str
        Camera of its last observation; empty when it was not stated.
    apart_from : tuple of int
        Similar identities that were seen beside it in one frame, so they are somebody else.
    """

    identity_id: int
    feature_count: int
    first_seen_ns: int
    last_seen_ns: int
    received_ns: int = 0
    camera: str = ''
    apart_from: tuple[int, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """One identity that a feature may belong to, with the cosine to its nearest feature."""

    identity_id: int
    similarity: float
