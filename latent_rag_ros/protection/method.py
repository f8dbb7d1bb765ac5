"""What a protection method is: persons in, a patch or a reason for a solid fill per person out."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Reason


@dataclass(frozen=True)
class Person:
    """One person as a protection method sees it.

    Parameters
    ----------
    track_id : int
        The person's track.
    crop : Tensor
        Shape (3, h, w), uint8, RGB: the raw crop, in the size of the method's patches. It never
        leaves the method.
    feature : Tensor or None
        Identity feature, shape (d,), L2 norm 1; None when there is none in this frame.
    reason : Reason
        Why there is no feature; `Reason.NONE` when there is one, or when the detector missed the
        person in this frame.
    """

    track_id: int
    crop: Tensor
    feature: Tensor | None
    reason: Reason


@dataclass(frozen=True)
class Patch:
    """What replaces one person: an image, or None for a solid fill.

    Parameters
    ----------
    image : NDArray or None
        Shape (h, w, 3), uint8, RGB.
    reason : Reason
        Why there is no image; `Reason.NONE` when there is one.
    cosine, psnr_db, ssim : float
        Measured on the 8-bit image against the raw crop; NaN where nothing was measured.
    feature : Tensor, optional
        Identity feature of the 8-bit image itself, shape (d,), as verification measured it.
    """

    image: NDArray[np.uint8] | None
    reason: Reason
    cosine: float = float('nan')
    psnr_db: float = float('nan')
    ssim: float = float('nan')
    feature: Tensor | None = field(default=None, compare=False)


class ProtectionMethod(Protocol):
    """Makes the patches of one frame."""

    name: str

    def patches(self, persons: Sequence[Person], clock: StageClock,
                deadline_s: float) -> list[Patch]:
        """Return one patch per person, in order; after `deadline_s` (monotonic) solid ones."""
        ...

    def forget(self, alive: set[int]) -> None:
        """Drop what is remembered of tracks that are not in `alive`."""
        ...


class SolidMethod:
    """Covers every person by one colour: the simplest protection, the fallback of all others."""

    name = 'solid'

    def patches(self, persons: Sequence[Person], clock: StageClock,
                deadline_s: float) -> list[Patch]:
        """Return a solid fill for every person."""
        return [Patch(None, Reason.NONE) for _ in persons]

    def forget(self, alive: set[int]) -> None:
        """Do nothing: nothing is remembered."""
