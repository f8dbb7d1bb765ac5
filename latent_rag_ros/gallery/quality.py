"""Which observations are good enough to learn a person from: bad crops poison a gallery."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from latent_rag_ros.perception.overlap import areas, intersections

ASPECT_MIN, ASPECT_MAX = 1.2, 6.0
"""Height over width of a person who stands or walks; others are cut off, hidden or several."""

SHARED_MAX = 0.35
"""Share of a region that may lie in somebody else's."""


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

    def passes(self, height_px: int, width_px: int, score: float, missed_frames: int,
               shared: float = 0.0) -> bool:
        """Tell whether an observation may be learned.

        A person whom the detector missed is where the track says, or behind something. Of a
        region that others overlap by a share of `shared`, nobody knows whom it shows.
        """
        return (missed_frames == 0 and height_px >= self.height_px_min
                and score >= self.score_min and shared <= SHARED_MAX
                and ASPECT_MIN * width_px <= height_px <= ASPECT_MAX * max(1, width_px))


def shared_areas(boxes: Sequence[tuple[int, int, int, int]]) -> list[float]:
    """Return the share of each box (left, top, right, bottom) that another one overlaps."""
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    common = intersections(corners, corners)
    np.fill_diagonal(common, 0.0)
    return (common.max(1, initial=0.0) / np.maximum(areas(corners), 1.0)).tolist()
