"""The frame of one grey level, which stands for one that could not be protected."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from latent_rag_ros.protection.types import Outcome, ProtectedFrame, Reason


def blank_frame(height_px: int, width_px: int, fill_level: int, reason: Reason, message: str = '',
                latency_s: Mapping[str, float] | None = None) -> ProtectedFrame:
    """Return a blanked frame.

    Parameters
    ----------
    height_px, width_px : int
        Size of the frame it stands for; both 0 where that is not known.
    fill_level : int
        Grey level of every pixel, 0..255.
    reason : Reason
        Why the frame could not be protected.
    message : str
        One line for a human; never holds image content.
    latency_s : Mapping, optional
        Seconds per stage that the frame got through.
    """
    image = np.full((height_px, width_px, 3), fill_level, np.uint8)
    return ProtectedFrame(image, Outcome.BLANKED, reason, (),
                          np.ones((height_px, width_px), bool), dict(latency_s or {}), message)
