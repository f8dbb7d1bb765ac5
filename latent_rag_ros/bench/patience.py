"""How long something is measured."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """At least `frames_min` frames, then until `frames_max` or `seconds`."""

    frames_min: int
    frames_max: int
    seconds: float
