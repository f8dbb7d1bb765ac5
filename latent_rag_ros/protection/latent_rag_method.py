"""Latent-RAG as a protection method: batches the persons of a frame and remembers their codes."""
from __future__ import annotations

import logging
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.protection.fitting_parts import in_fitting_parts
from latent_rag_ros.protection.method import Patch, Person
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.protection.verification import Limits, verify

LOGGER = logging.getLogger(__name__)

REFINEMENT_SHARE = 0.7
"""Share of the time until the deadline that refinement may use; synthesis needs the rest."""


class LatentRagMethod:
    """Replaces every person by a synthetic one that keeps the identity feature.

    Parameters
    ----------
    replacer : LatentRagReplacer
        Retrieval, fusion, refinement and synthesis.
    limits : Limits
        What a patch must satisfy.
    """

    name = 'latent_rag'

    def __init__(self, replacer: LatentRagReplacer, limits: Limits) -> None:
        self._replacer, self._limits = replacer, limits
        self._codes: dict[int, Tensor] = {}
        self.patch_size_px = replacer.image_size_px
        """Height and width of the patches, and of the crops that persons come with."""

    def forget(self, alive: set[int]) -> None:
        """Drop the codes of tracks that are not in `alive`."""
        self._codes = {track: code for track, code in self._codes.items() if track in alive}

    def patches(self, persons: Sequence[Person], clock: StageClock,
                deadline_s: float) -> list[Patch]:
        """Return one verified patch per person, solid where that is not possible.

        A person without a feature in this frame keeps the patch of the track's last code, when
        the detector merely missed the person or is unsure; every other one becomes solid.
        """
        usable = [self._has_start(person) for person in persons]
        chosen = [person for person, use in zip(persons, usable) if use]
        made = iter(self._guarded(chosen, clock, deadline_s))
        return [next(made) if use else Patch(None, person.reason or Reason.MISSED)
                for person, use in zip(persons, usable)]

    def _has_start(self, person: Person) -> bool:
        missed = person.feature is None and person.reason in (Reason.NONE, Reason.UNCERTAIN)
        return person.feature is not None or (missed and person.track_id in self._codes)

    def _guarded(self, persons: list[Person], clock: StageClock, deadline_s: float) -> list[Patch]:
        """Make the patches; any failure of the networks makes all of them solid."""
        try:
            return in_fitting_parts(
                lambda part: self._synthesised(part, clock, deadline_s), persons)
        except torch.cuda.OutOfMemoryError as error:
            LOGGER.error('no memory for a single person, persons become solid: %s', error)
            reason = Reason.OUT_OF_MEMORY
        except (RuntimeError, ValueError, MemoryError) as error:
            LOGGER.error('generator failed, persons become solid: %s', error)
            reason = Reason.GENERATOR_FAILED
        self._codes.clear()
        return [Patch(None, reason) for _ in persons]

    def _synthesised(self, persons: Sequence[Person], clock: StageClock,
                     deadline_s: float) -> list[Patch]:
        device = self._replacer.device
        crops = torch.stack([person.crop for person in persons]).to(device)
        unknown = torch.full((self._replacer.store.features.shape[1],), float('nan'))
        features = torch.stack([unknown.to(device) if person.feature is None
                                else person.feature.to(device) for person in persons])
        known = set(self._codes)
        codes = self._codes_of(persons, crops.float() / 255, features, clock, deadline_s)
        if time.monotonic() >= deadline_s:
            return [Patch(None, Reason.LATE) for _ in persons]
        with clock('synthesise'):
            images = self._replacer.synthesise(codes)
        with clock('verify'):
            checks = verify(images, crops, features, self._replacer.embedder, self._limits)
        pictures = images.permute(0, 2, 3, 1).cpu().numpy()
        figures = torch.stack([checks.cosine, checks.psnr_db, checks.ssim], 1).tolist()
        patches = []
        for person, picture, passed, numbers in zip(persons, pictures, checks.passed.tolist(),
                                                    figures):
            if not passed and person.track_id in known:
                # The code no longer stands for this person: the next frame starts afresh. A new
                # code may only have lacked time, and is refined further.
                self._codes.pop(person.track_id, None)
            patches.append(Patch(picture, Reason.NONE, *numbers) if passed
                           else Patch(None, Reason.NOT_VERIFIED))
        return patches

    def _codes_of(self, persons: Sequence[Person], crops: Tensor, features: Tensor,
                  clock: StageClock, deadline_s: float) -> Tensor:
        """Return one code per person: remembered, warmed up, or retrieved and refined."""
        remembered = [self._codes.get(person.track_id) for person in persons]
        cold = [row for row, code in enumerate(remembered) if code is None]
        warm = [row for row, (code, person) in enumerate(zip(remembered, persons))
                if code is not None and person.feature is not None]
        now_s = time.monotonic()
        until_s = now_s + REFINEMENT_SHARE * (deadline_s - now_s)
        codes = self._replacer.empty_codes(len(persons))
        for row, code in enumerate(remembered):
            if code is not None:
                codes[row] = code
        if cold:
            with clock('retrieve'):
                rows = self._replacer.retrieve(features[cold])
            with clock('fuse'):
                codes[cold] = self._replacer.fuse(rows)
        with clock('refine'):
            for group, is_warm in ((cold, False), (warm, True)):
                if group:
                    codes[group], _ = self._replacer.refine(
                        crops[group], features[group], codes[group], is_warm, until_s)
        if self._replacer.preset.warm_start:
            self._codes.update({person.track_id: code for person, code in zip(persons, codes)})
        return codes
