"""One synthesised patch per track, re-posed by the box until the person looks different.

A protection method of its own around another one. A patch holds no pixel of the input, so showing
it for longer can leak nothing; what ages is its identity. So it is kept while its own feature
stays close to those that are measured of the person, and no longer than a number of frames. PSNR
and SSIM are those of the frame it was made in, the cosine is that to the last feature measured.

Features are measured in frames with a detection, which cost most. A patch that is merely due waits
for the frame after, and is made there with the feature of the frame before.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from latent_rag_ros.protection.method import Patch, Person, ProtectionMethod
from latent_rag_ros.protection.renewal import RenewalSchedule
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Reason

COSINE_MARGIN = 0.1
"""A patch is made anew before its cosine to the person falls to the limit of verification: from
this much above it on."""

STAGES = ('refine', 'synthesise', 'verify')

REPLACEABLE = (Reason.NONE, Reason.UNCERTAIN)
"""Reasons of people who may be shown a patch; all others have to be solid."""


class PatchMemory:
    """Asks a method for patches only where the track has none that still fits.

    Parameters
    ----------
    method : ProtectionMethod
        Makes the patches.
    period_frames : int
        A patch is made anew after so many frames at the latest; 1 keeps none.
    cosine_min : float
        `identity.cosine_min`, the limit of verification.
    """

    def __init__(self, method: ProtectionMethod, period_frames: int, cosine_min: float) -> None:
        self._method, self.name = method, method.name
        self._cosine_min = cosine_min + COSINE_MARGIN
        self._period = period_frames
        self._schedule = RenewalSchedule(period_frames)
        self._kept: dict[int, Patch] = {}
        self._measured: dict[int, Tensor] = {}
        self._measured_before: dict[int, Tensor] = {}

    def forget(self, alive: set[int], is_busy: bool = False) -> None:
        """Go on to the next frame; drop what is remembered of tracks that are not in `alive`.

        In a busy frame renewals wait for the next one where they can, see `RenewalSchedule`.
        """
        self._method.forget(alive)
        self._measured, self._measured_before = {}, self._measured
        self._schedule.begin_frame(alive, is_busy)
        self._kept = {track: kept for track, kept in self._kept.items() if track in alive}

    def patches(self, persons: Sequence[Person], clock: StageClock,
                deadline_s: float) -> list[Patch]:
        """Return one patch per person, in order; see `ProtectionMethod.patches`."""
        self._measured = {person.track_id: person.feature for person in persons
                          if person.feature is not None}
        again = {row: self._with_feature(person) for row, person in enumerate(persons)
                 if not self._still_fits(person)}
        made = iter(self._method.patches(list(again.values()), clock, deadline_s)
                    if again else ())
        for stage in STAGES if self._kept else ():
            clock.seconds.setdefault(stage, 0.0)  # reported by frames that need none of them too
        patches = []
        for row, person in enumerate(persons):
            if row in again:
                patch = next(made)
                self._keep(again[row], patch)
            else:
                patch = self._kept[person.track_id]
            patches.append(patch)
        return patches

    def _with_feature(self, person: Person) -> Person:
        """Return a person whose patch waited for this frame with the feature it waited with."""
        before = self._measured_before.get(person.track_id)
        waited = person.track_id in self._kept and person.reason in REPLACEABLE
        if person.feature is not None or before is None or not waited:
            return person
        return replace(person, feature=before)

    def _still_fits(self, person: Person) -> bool:
        kept = self._kept.get(person.track_id)
        if kept is None or person.reason not in REPLACEABLE:
            return False
        if person.feature is None:  # nothing to make a better one with, but for one that waited
            return not (person.track_id in self._measured_before
                        and self._schedule.is_due(person.track_id))
        cosine = float((person.feature * kept.feature).sum())
        self._kept[person.track_id] = replace(kept, cosine=cosine)
        return cosine >= self._cosine_min and not self._schedule.is_due(person.track_id)

    def _keep(self, person: Person, patch: Patch) -> None:
        """Remember a verified patch; forget what a solid one replaces."""
        parts = patch.image, patch.feature, person.feature
        if self._period > 1 and all(part is not None for part in parts):
            self._kept[person.track_id] = patch
            self._schedule.renew(person.track_id)
        elif patch.reason != Reason.LATE:
            self._kept.pop(person.track_id, None)
