"""Which observations are good enough to learn a person from: bad crops poison a gallery."""
from __future__ import annotations

from dataclasses import dataclass

ASPECT_MIN, ASPECT_MAX = 1.2, 6.0
"""Height over width of a person who stands or walks; others are cut off, hidden or several."""


@dataclass(frozen=True)
class QualityGate:
    """Limits of what may be enrolled or learned. What fails is still compared.

    Parameters
    ----------
    height_px_min : int
        Height of the person's region.
    score_min : float
        Score of the person's detection.
    """

    height_px_min: int = 0
    score_min: float = 0.0

    def passes(self, height_px: int, width_px: int, score: float, missed_frames: int) -> bool:
        """Tell whether an observation may be learned.

        A person whom the detector missed is where the track says, or behind something.
        """
        return (missed_frames == 0 and height_px >= self.height_px_min
                and score >= self.score_min
                and ASPECT_MIN * width_px <= height_px <= ASPECT_MAX * max(1, width_px))
