"""Person masks that follow their boxes for a few frames before the network is asked again.

Only what reaches out of the box comes from the mask: the box itself is covered whole, and it is
new in every frame. A remembered mask is shown where it was and where the box has carried it,
enlarged with the box, and grown by a share of the height per frame of its age, because an arm
moves; it is made anew at once when the box changes its form.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from latent_rag_ros.perception.person_mask import PersonMasker, square_around
from latent_rag_ros.protection.renewal import RenewalSchedule
from latent_rag_ros.protection.types import Box, ImageArray, MaskArray

GROWTH_PER_FRAME = 0.01
"""A remembered mask grows by this share of the height of its box on every side per frame."""

FORM_CHANGE_MAX, FORM_CHANGE_PX = 0.25, 4
"""A box whose width or height has changed by more than this share, and by more than these pixels,
since its mask was made shows a person in another pose, or another part of the person. Boxes of one
pose jitter by less."""


PERSON_LEVEL = 255
"""Value of a person's pixels in a remembered mask: enlarging it must round none of them off."""


@dataclass(frozen=True)
class _Remembered:
    """A mask in its square, shape (side, side), uint8, the box it was made for, and when."""

    square: MaskArray
    box: Box
    frame: int


class MaskMemory:
    """Masks by track. Not thread-safe.

    Parameters
    ----------
    masker : PersonMasker
        The network.
    period_frames : int
        A mask is made anew after so many frames at the latest; 1 remembers nothing.
    """

    def __init__(self, masker: PersonMasker, period_frames: int) -> None:
        self._masker, self._period = masker, period_frames
        self._schedule = RenewalSchedule(period_frames)
        self.reset()

    def reset(self) -> None:
        """Forget all masks."""
        self._schedule.reset()
        self._remembered: dict[int, _Remembered] = {}
        self._frame = 0

    def begin_frame(self, alive: set[int]) -> None:
        """Go on to the next frame; tracks that are not in `alive` are forgotten."""
        self._frame += 1
        self._schedule.begin_frame(alive)
        self._remembered = {track: mask for track, mask in self._remembered.items()
                            if track in alive}

    def of(self, track: int) -> TrackMasker:
        """Return what makes the mask of one track, as `region.region_of` asks for it."""
        return TrackMasker(self, track)

    def mask(self, track: int, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        """Return where the mask of a track lies and the mask; see `PersonMasker.mask`."""
        remembered = self._remembered.get(track)
        if (remembered is None or self._schedule.is_due(track)
                or _has_another_form(remembered.box, box)):
            return self._made(track, image, box)
        square = square_around(box)
        window = square.clipped(*image.shape[:2])
        age_frames = self._frame - remembered.frame
        growth_px = max(1, round(GROWTH_PER_FRAME * age_frames * box.height_px))
        carried = cv2.resize(remembered.square, (square.width_px, square.height_px),
                             interpolation=cv2.INTER_LINEAR)
        mask = carried[window.moved(-square.left, -square.top).slices] > 0
        before = square_around(remembered.box)
        common = window.clipped_to(before)
        mask[common.moved(-window.left, -window.top).slices] |= remembered.square[
            common.moved(-before.left, -before.top).slices] > 0
        grown = cv2.dilate(mask.view(np.uint8),
                           np.ones((2 * growth_px + 1, 2 * growth_px + 1), np.uint8))
        return window, grown.view(bool)

    def _made(self, track: int, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        window, mask = self._masker.mask(image, box)
        square = square_around(box)
        if self._period > 1 and mask.size:
            whole = np.zeros((square.height_px, square.width_px), np.uint8)
            whole[window.moved(-square.left, -square.top).slices][mask] = PERSON_LEVEL
            self._remembered[track] = _Remembered(whole, box, self._frame)
        self._schedule.renew(track)
        return window, mask


@dataclass(frozen=True)
class TrackMasker:
    """Makes the masks of one track."""

    memory: MaskMemory
    track: int

    def mask(self, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        """Return where the mask lies and the mask; see `PersonMasker.mask`."""
        return self.memory.mask(self.track, image, box)


def _has_another_form(before: Box, now: Box) -> bool:
    lengths = (before.width_px, now.width_px), (before.height_px, now.height_px)
    return any(abs(then - length) > max(FORM_CHANGE_PX, FORM_CHANGE_MAX * then)
               for then, length in lengths)
