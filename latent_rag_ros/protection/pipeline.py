"""The way of one frame through the filter: the ONLY producer of publishable pixels.

    Frame -> detect -> track -> mask -> erase -> embed -> retrieve -> fuse -> refine -> synthesise
          -> verify -> composite [-> faces -> replace -> reveal bodies] -> ProtectedFrame

Whatever fails on the way, what comes out is a frame in which every located person is covered, or
a frame of one colour with the reason.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.parameters import PROTECTOR, Value, checked_values
from latent_rag_ros.perception.detection_schedule import DetectionSchedule
from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.protection.assembly import Parts, assemble
from latent_rag_ros.protection.blank import blank_frame
from latent_rag_ros.protection.compositing import erase, paste
from latent_rag_ros.protection.evidence import FRAME_REASONS, EvidenceFrame
from latent_rag_ros.protection.evidence_assembly import METHOD
from latent_rag_ros.protection.evidence_compositing import compose_evidence
from latent_rag_ros.protection.look_ahead import LookAhead, Perceived
from latent_rag_ros.protection.mask_memory import MaskMemory
from latent_rag_ros.protection.method import Patch
from latent_rag_ros.protection.patch_memory import PatchMemory
from latent_rag_ros.protection.published_features import PublishedFeatures
from latent_rag_ros.protection.recognition import Recognition
from latent_rag_ros.protection.region import region_of
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import (Fill, Frame, ImageArray, Outcome, ProtectedFrame,
                                             ProtectedPerson, Reason, Region, TrackedPerson)

LOGGER = logging.getLogger(__name__)

SYNTHESIS_SHARE = 0.8
"""Share of the deadline after which people become solid, so that the frame itself is in time."""

SYNTHESIS_SHARE_OF_TWO = 0.5
"""The same where faces are replaced after it, which may take until `SYNTHESIS_SHARE`."""

SEVERITY = (Reason.OUT_OF_MEMORY, Reason.GENERATOR_FAILED, Reason.EMBEDDER_FAILED, Reason.LATE,
            Reason.NOT_VERIFIED, Reason.MISSED, Reason.TOO_SMALL)
"""Reasons for a solid person, worst first: the worst one becomes the reason of the frame. A weak
detection is none: covering it is what the filter is set to do."""

Result = TypeVar('Result')


class ProtectionPipeline:
    """Turns raw frames into protected ones. One thread at a time.

    Parameters
    ----------
    parts : Parts
        Detector, mask, tracker, embedder and method.
    values : Mapping
        All parameters of the protector, checked.
    """

    def __init__(self, parts: Parts, values: Mapping[str, Value]) -> None:
        self._parts, self._values = parts, dict(values)
        self.device, self.model_id = parts.device, parts.model_id
        self.method = parts.method.name if parts.evidence is None else METHOD
        self.evidence_model = None if parts.evidence is None else parts.evidence.model
        self.feature_dimension = parts.feature_dimension
        self._look_ahead = LookAhead(values['protection.look_ahead_frames'])
        self._detection = DetectionSchedule(parts.detector, values['detector.every_frames'],
                                            parts.turns)
        published = values['latent_rag.preset'] == 'paper'  # what was published saves nothing
        self._recognition = Recognition(
            parts, self._values, 1 if published else values['identity.every_frames'])
        self._published = PublishedFeatures(parts.head)
        self._method = PatchMemory(
            parts.method, 1 if published else values['protection.patch_frames'],
            values['identity.cosine_min'])
        self._masks = None if parts.masker is None else MaskMemory(
            parts.masker, values['mask.every_frames'])

    @classmethod
    def from_values(cls, given: Mapping[str, object]) -> ProtectionPipeline:
        """Load a pipeline; parameters that are not given keep their defaults.

        Raises
        ------
        ParameterError
            A parameter is unknown, has the wrong type, or is out of range.
        WeightsError
            Weights are missing, damaged, or do not belong together.
        """
        values = checked_values(PROTECTOR, given)
        return cls(assemble(values), values)

    def reset(self) -> None:
        """Forget all tracks, their codes, and the frames that are held back."""
        self._look_ahead.clear()
        self._detection.reset()
        self._parts.tracker.reset()
        self._method.forget(set())
        if self._parts.evidence is not None:
            self._parts.evidence.forget(set())
        self._recognition.reset()
        if self._masks is not None:
            self._masks.reset()

    def blank(self, height_px: int, width_px: int, reason: Reason, message: str = '',
              latency_s: Mapping[str, float] | None = None) -> ProtectedFrame:
        """Return a frame of one grey level, which stands for one that could not be protected."""
        return blank_frame(height_px, width_px, self._values['protection.fill_level'], reason,
                           message, latency_s)

    def process(self, frame: Frame) -> list[tuple[Frame, ProtectedFrame]]:
        """Take a frame in and return the frames that are finished by it, the oldest first.

        With `protection.look_ahead_frames` n, each frame is finished by the n-th one after it.
        Like `protect`, it never raises for what a frame holds.
        """
        return [(perceived.frame, self._finished(perceived))
                for perceived in self._look_ahead.add(self._perceived(frame))]

    def flush(self) -> list[tuple[Frame, ProtectedFrame]]:
        """Finish the frames that are held back with what is known: no further ones will come."""
        return [(perceived.frame, self._finished(perceived))
                for perceived in self._look_ahead.flush()]

    def protect(self, frame: Frame) -> ProtectedFrame:
        """Return what may be published of a frame, at once. Never raises for what a frame holds.

        A frame in which persons cannot be located is blanked. A person who can be located and not
        replaced is covered by one colour.
        """
        return self._finished(self._perceived(frame))

    def _perceived(self, frame: Frame) -> Perceived:
        """Return who is in a frame, or the blank frame that stands for it."""
        clock = StageClock()
        found = self._guarded(frame, clock, lambda: self._tracked(frame, clock))
        if isinstance(found, ProtectedFrame):
            return Perceived(frame, (), clock, found)
        return Perceived(frame, tuple(found), clock)

    def _finished(self, perceived: Perceived) -> ProtectedFrame:
        if perceived.blanked is not None:
            return perceived.blanked
        return self._guarded(perceived.frame, perceived.clock, lambda: self._protected(perceived))

    def _guarded(self, frame: Frame, clock: StageClock,
                 step: Callable[[], Result]) -> Result | ProtectedFrame:
        """Return what a step returns, or a blank frame with the reason when it fails."""
        try:
            return step()
        except DetectorError as error:
            reason, message = Reason.DETECTOR_FAILED, str(error)
        except (MemoryError, torch.cuda.OutOfMemoryError) as error:
            reason, message = Reason.OUT_OF_MEMORY, f'{type(error).__name__}: {error}'
        except Exception as error:  # the one guard: whatever it is, the raw frame must not pass
            LOGGER.exception('frame blanked')
            reason, message = Reason.INTERNAL_ERROR, f'{type(error).__name__}: {error}'
        return self.blank(*frame.image.shape[:2], reason, message, clock.seconds)

    def _tracked(self, frame: Frame, clock: StageClock) -> list[TrackedPerson]:
        with clock('detect'):
            detections = self._detection.detect(frame.image)
        with clock('track'):
            now_s = frame.received_s if frame.stamp_s is None else frame.stamp_s
            persons = self._parts.tracker.update(detections, *frame.image.shape[:2], now_s)
            self._detection.cover(persons)
            return persons

    def _protected(self, perceived: Perceived) -> ProtectedFrame:
        frame, clock = perceived.frame, perceived.clock
        image = frame.image
        self._begin_frame({person.track_id for person in perceived.persons})
        with clock('mask'):
            located = self._located(image, perceived.persons)
        with clock('erase'):
            canvas, covered = erase(image, [region for _, region in located],
                                    self._values['protection.fill_level'])
        with clock('embed'):
            persons = self._recognition.persons(image, located)
            features = self._published.of(persons)
        share = SYNTHESIS_SHARE if self._parts.evidence is None else SYNTHESIS_SHARE_OF_TWO
        patches = self._method.patches(persons, clock, self._until_s(frame, share))
        self._recognition.note(persons, patches)
        with clock('composite'):
            self._paste_all(canvas, located, patches)
        evidence = self._evidence(frame, canvas, located, clock)
        protected = tuple(_protected_person(*row) for row in zip(located, features, patches))
        return ProtectedFrame(canvas, Outcome.PROTECTED, _worst(protected, evidence), protected,
                              covered, clock.seconds, evidence=evidence)

    def _until_s(self, frame: Frame, share: float) -> float:
        return frame.received_s + share * self._values['guard.deadline_s']

    def _evidence(self, frame: Frame, protected: ImageArray,
                  located: Sequence[tuple[TrackedPerson, Region]],
                  clock: StageClock) -> EvidenceFrame | None:
        """Return the frame with heads replaced and bodies kept, where the method makes one."""
        method = self._parts.evidence
        if method is None:
            return None
        covers = method.covers(frame.image, located, clock, self._until_s(frame, SYNTHESIS_SHARE))
        with clock('reveal'):
            image, changed = compose_evidence(frame.image, protected, covers)
        return EvidenceFrame(image, tuple(cover.face for cover in covers), changed,
                             method.redraws)

    def _begin_frame(self, alive: set[int]) -> None:
        """Let everything that remembers something of tracks go on by one frame."""
        is_busy = self._detection.is_busy
        self._method.forget(alive, is_busy)
        if self._parts.evidence is not None:
            self._parts.evidence.forget(alive)
        self._recognition.begin_frame(alive)
        if self._masks is not None:
            self._masks.begin_frame(alive, is_busy)

    def _located(self, image: ImageArray,
                 tracked: Sequence[TrackedPerson]) -> list[tuple[TrackedPerson, Region]]:
        """Return the persons with a part inside the image and their regions."""
        margin = self._values['protection.margin']
        masks = self._masks
        if masks is not None:
            masks.prepare(image, tracked)
        regions = [region_of(image, person, None if masks is None else masks.of(person),
                             margin) for person in tracked]
        return [(person, region) for person, region in zip(tracked, regions) if region is not None]

    @staticmethod
    def _paste_all(canvas: ImageArray, located: Sequence[tuple[TrackedPerson, Region]],
                   patches: Sequence[Patch]) -> None:
        """Draw the patches, the persons whose feet are further down last: they stand in front."""
        order = sorted(range(len(located)), key=lambda row: located[row][1].crop_box.bottom)
        for row in order:
            if patches[row].image is not None:
                paste(canvas, located[row][1], patches[row].image)


def _protected_person(located: tuple[TrackedPerson, Region], feature: NDArray[np.float32] | None,
                      patch: Patch) -> ProtectedPerson:
    tracked, region = located
    return ProtectedPerson(
        tracked.track_id, region.bounds, tracked.score, tracked.missed_frames,
        Fill.SOLID if patch.image is None else Fill.SYNTHETIC, patch.reason, feature,
        patch.cosine, patch.psnr_db, patch.ssim)


def _worst(persons: Sequence[ProtectedPerson], evidence: EvidenceFrame | None) -> Reason:
    present = {person.reason for person in persons}
    if evidence is not None:
        present |= {FRAME_REASONS.get(face.reason, Reason.NONE) for face in evidence.faces}
    return next((reason for reason in SEVERITY if reason in present), Reason.NONE)
