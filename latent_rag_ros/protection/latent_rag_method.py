"""Latent-RAG as a protection method: batches the persons of a frame and remembers their codes."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.protection.fitting_parts import in_fitting_parts
from latent_rag_ros.protection.method import Patch, Person
from latent_rag_ros.protection.patch_batch import Drafts, PersonBatch
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.protection.verification import Limits, verify

Rule = Callable[[PersonBatch, Drafts], Tensor]
"""From persons and what was drawn for them to a tensor with a row for each."""

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
        now_s = time.monotonic()
        until_s = now_s + REFINEMENT_SHARE * (deadline_s - now_s)
        replacer = self._replacer
        batch = PersonBatch.of(persons, [person.track_id in self._codes for person in persons],
                               replacer.store.features.shape[1], replacer.device)
        codes = self._codes_of(batch, clock, until_s)
        if time.monotonic() >= deadline_s:
            return [Patch(None, Reason.LATE) for _ in persons]
        drafts = self._drawn(batch, codes, clock)
        for asks, improve in self._improvements(until_s):
            drafts = self._improved(batch, drafts, asks(batch, drafts), improve, clock, until_s)
        self._remember(batch, drafts)
        return drafts.patches()

    def _codes_of(self, batch: PersonBatch, clock: StageClock, until_s: float) -> Tensor:
        """Return one code per person: remembered, or retrieved, fused and refined."""
        codes = self._replacer.empty_codes(len(batch.tracks))
        for row in batch.known.nonzero()[:, 0].tolist():
            codes[row] = self._codes[batch.tracks[row]]
        cold = (~batch.known).nonzero()[:, 0]
        if not len(cold):
            return codes
        part = batch.part(cold)
        with clock('retrieve'):
            rows = self._replacer.retrieve(part.features)
        with clock('fuse'):
            fused = self._replacer.fuse(rows)
        with clock('refine'):
            if self._replacer.predicts:
                codes[cold] = self._replacer.predict(
                    part.features, self._replacer.neighbours(rows), fused)
            else:
                codes[cold], _ = self._replacer.refine(part.inputs, part.features, fused, until_s)
        return codes

    def _drawn(self, batch: PersonBatch, codes: Tensor, clock: StageClock) -> Drafts:
        with clock('synthesise'):
            images = self._replacer.synthesise(codes)
        with clock('verify'):
            reached = self._replacer.features_of(images)
            checks = verify(images, batch.crops, batch.features, reached, self._limits)
        return Drafts(codes, images, reached, checks)

    def _improvements(self, until_s: float) -> list[tuple[Rule, Rule]]:
        """Return in turn who asks for better codes, a mask (n,), and the better codes."""
        replacer, preset = self._replacer, self._replacer.preset

        def look_again(batch: PersonBatch, drafts: Drafts) -> Tensor:
            return replacer.predict(batch.features, drafts.reached, drafts.codes)

        def correct(batch: PersonBatch, drafts: Drafts) -> Tensor:
            return replacer.correct(batch.inputs, batch.features, drafts.codes, until_s)[0]

        def move_away(batch: PersonBatch, drafts: Drafts) -> Tensor:
            return replacer.move_away(batch.inputs, batch.features, drafts.codes, until_s)[0]

        def refine_warm(batch: PersonBatch, drafts: Drafts) -> Tensor:
            return replacer.refine_warm(batch.inputs, batch.features, drafts.codes, until_s)[0]

        if not replacer.predicts:
            return [(self._asks_when_warm, refine_warm)] * (preset.warm_iterations > 0)
        looks = [(self._asks_to_look, look_again)] * (preset.looks - 1)
        steps = [(self._asks_for_steps, correct), (self._is_too_alike, move_away)]
        return looks + steps * (preset.corrections > 0)

    def _asks_when_warm(self, batch: PersonBatch, drafts: Drafts) -> Tensor:
        """Return whose remembered code has lost the person's identity, shape (n,), bool."""
        lost = drafts.checks.cosine < self._replacer.preset.warm_stop_cosine
        return batch.known & batch.has_feature & lost

    def _asks_to_look(self, batch: PersonBatch, drafts: Drafts) -> Tensor:
        """Return whose code is predicted once more, shape (n,), bool."""
        unlike = drafts.checks.cosine < self._replacer.preset.look_cosine
        return (~batch.known & unlike) | self._asks_when_warm(batch, drafts)

    def _asks_for_steps(self, batch: PersonBatch, drafts: Drafts) -> Tensor:
        """Return whose predicted code is still too far from the identity, shape (n,), bool."""
        return ~batch.known & (drafts.checks.cosine < self._replacer.preset.correction_cosine)

    def _is_too_alike(self, batch: PersonBatch, drafts: Drafts) -> Tensor:
        """Return whose picture is too much like the input, shape (n,), bool."""
        checks, limits = drafts.checks, self._limits
        alike = (checks.psnr_db > limits.psnr_db_max) | (checks.ssim > limits.ssim_max)
        return ~batch.known & alike

    def _improved(self, batch: PersonBatch, drafts: Drafts, asking: Tensor, improve: Rule,
                  clock: StageClock, until_s: float) -> Drafts:
        """Return the drafts with better ones for the persons who ask, while there is time."""
        rows = asking.nonzero()[:, 0]
        if not len(rows) or time.monotonic() >= until_s:
            return drafts
        part = batch.part(rows)
        with clock('refine'):
            codes = improve(part, drafts.part(rows))
        return drafts.with_rows(rows, self._drawn(part, codes, clock))

    def _remember(self, batch: PersonBatch, drafts: Drafts) -> None:
        if not self._replacer.preset.warm_start:
            return
        states = zip(batch.tracks, drafts.codes, batch.known.tolist(),
                     drafts.checks.passed.tolist())
        for track, code, was_known, passed in states:
            if passed or not was_known:
                self._codes[track] = code
            else:
                # The code no longer stands for this person: the next frame starts afresh. A new
                # code may only have lacked time, and is refined further.
                self._codes.pop(track, None)
