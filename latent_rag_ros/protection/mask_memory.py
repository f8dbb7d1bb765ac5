"""Person masks that follow their boxes for a few frames before the network is asked again.

Only what reaches out of the box comes from the mask: the box itself is covered whole, and it is
new in every frame. A remembered mask is shown where it was and where the box has carried it,
enlarged with the box, and grown by a share of the height per frame of its age, because an arm
moves; it is made anew at once when the box changes its form.

The network is asked where that can help. A box that was not detected in this frame is a guess and
changes its form by itself; and somebody of whom the detector was never sure is mostly no person:
the first mask has to do there until the form changes. A few renewals in one frame are enough, the
next frame goes on with them.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from latent_rag_ros.engine.parallel import in_parallel
from latent_rag_ros.perception.person_mask import PersonMasker, square_around
from latent_rag_ros.protection.renewal import RenewalSchedule
from latent_rag_ros.protection.types import Box, ImageArray, MaskArray, TrackedPerson

GROWTH_PER_FRAME = 0.01
"""A remembered mask grows by this share of the height of its box on every side per frame."""

GROWTH_MAX = 0.1
"""Most growth, for masks that are not renewed: beyond that the margin of the region is all."""

RENEWALS_MAX = 2
"""Most masks of known people that are made anew in one frame, unless one is twice as old as it
should be. A first mask is always made."""

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
        The network, which is asked from several threads at once.
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
        self._made: dict[int, tuple[Box, MaskArray]] = {}
        self._frame = self._renewals = 0

    def begin_frame(self, alive: set[int], is_busy: bool = False) -> None:
        """Go on to the next frame; tracks that are not in `alive` are forgotten.

        In a busy frame renewals wait for the next one where they can, see `RenewalSchedule`.
        """
        self._frame += 1
        self._renewals, self._made = 0, {}
        self._schedule.begin_frame(alive, is_busy)
        self._remembered = {track: mask for track, mask in self._remembered.items()
                            if track in alive}

    def prepare(self, image: ImageArray, persons: Sequence[TrackedPerson]) -> None:
        """Make the masks that are needed in this frame side by side; `mask` hands them out.

        Nobody outside of the image gets one. Raises `DetectorError` as `PersonMasker.mask` does.
        """
        needing = [person for person in persons if _is_inside(person.box, image)
                   and self._needs_one(person, person.covered)]
        made = in_parallel(lambda person: self._masker.mask(image, person.covered), needing)
        for person, (window, mask) in zip(needing, made):
            self._remember(person.track_id, person.covered, window, mask)
            self._made[person.track_id] = window, mask

    def of(self, person: TrackedPerson) -> TrackMasker:
        """Return what makes the mask of one person, as `region.region_of` asks for it."""
        return TrackMasker(self, person)

    def mask(self, person: TrackedPerson, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        """Return where the mask of a person lies and the mask; see `PersonMasker.mask`."""
        if person.track_id in self._made:
            return self._made[person.track_id]
        if self._needs_one(person, box):
            window, mask = self._masker.mask(image, box)
            self._remember(person.track_id, box, window, mask)
            return window, mask
        return self._carried(self._remembered[person.track_id], image, box)

    def _needs_one(self, person: TrackedPerson, box: Box) -> bool:
        """Return whether the mask of a person is made in this frame, and count renewals."""
        remembered = self._remembered.get(person.track_id)
        if remembered is None:
            return True
        due = person.is_certain and self._schedule.is_due(person.track_id)
        if due and self._frame - remembered.frame >= 2 * self._period:
            return True
        changed = person.missed_frames == 0 and _has_another_form(remembered.box, box)
        if not (due or changed) or self._renewals >= RENEWALS_MAX:
            return False
        self._renewals += 1
        return True

    def _carried(self, remembered: _Remembered, image: ImageArray,
                 box: Box) -> tuple[Box, MaskArray]:
        """Return a remembered mask where it was and where the box has carried it, grown."""
        square = square_around(box)
        window = square.clipped(*image.shape[:2])
        age_frames = self._frame - remembered.frame
        growth = min(GROWTH_PER_FRAME * age_frames, GROWTH_MAX)
        growth_px = max(1, round(growth * box.height_px))
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

    def _remember(self, track: int, box: Box, window: Box, mask: MaskArray) -> None:
        square = square_around(box)
        if self._period > 1 and mask.size:
            whole = np.zeros((square.height_px, square.width_px), np.uint8)
            whole[window.moved(-square.left, -square.top).slices][mask] = PERSON_LEVEL
            self._remembered[track] = _Remembered(whole, box, self._frame)
        self._schedule.renew(track)


@dataclass(frozen=True)
class TrackMasker:
    """Makes the masks of one person."""

    memory: MaskMemory
    person: TrackedPerson

    def mask(self, image: ImageArray, box: Box) -> tuple[Box, MaskArray]:
        """Return where the mask lies and the mask; see `PersonMasker.mask`."""
        return self.memory.mask(self.person, image, box)


def _is_inside(box: Box, image: ImageArray) -> bool:
    """Return whether a box shares pixels with the image."""
    common = box.clipped(*image.shape[:2])
    return bool(common.width_px and common.height_px)


def _has_another_form(before: Box, now: Box) -> bool:
    lengths = (before.width_px, now.width_px), (before.height_px, now.height_px)
    return any(abs(then - length) > max(FORM_CHANGE_PX, FORM_CHANGE_MAX * then)
               for then, length in lengths)
