"""Person masks that follow their boxes for a few frames before the network is asked again.

Only what reaches out of the box comes from the mask: the box itself is covered whole, and it is
new in every frame. A remembered mask is enlarged with the box and grown by a share of its height
per frame of its age, because an arm moves; it is made anew at once when the box changes its form.
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

FORM_CHANGE_MAX = 0.15
"""A box whose ratio of width to height, or whose height, has changed by more than this share
since its mask was made shows a person in another pose, or another part of the person."""


@dataclass(frozen=True)
class _Remembered:
    """A mask in its square: shape (square side, square side), uint8; and the box it was made for."""

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
        moved = cv2.resize(remembered.square, (square.width_px, square.height_px),
                           interpolation=cv2.INTER_LINEAR)
        moved = cv2.dilate((moved > 0).view(np.uint8),
                           np.ones((2 * growth_px + 1, 2 * growth_px + 1), np.uint8))
        inside = window.moved(-square.left, -square.top)
        return window, moved[inside.slices].view(bool)

    def _made(self, track: int, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        square = square_around(box)
        window, mask = self._masker.mask(image, box)
        if self._period > 1 and mask.size and window == square:
            self._remembered[track] = _Remembered(mask.view(np.uint8) * 255, box, self._frame)
        else:  # what is cut off by the border says nothing about a person who walks in
            self._remembered.pop(track, None)
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
    ratios = [max(box.width_px, 1) / max(box.height_px, 1) for box in (before, now)]
    heights = [max(box.height_px, 1) for box in (before, now)]
    return any(max(pair) > (1 + FORM_CHANGE_MAX) * min(pair) for pair in (ratios, heights))
