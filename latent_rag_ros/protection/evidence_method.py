"""What becomes of every head of a frame: a new face, a neutral fill, or the whole person covered.

Whoever is not given a new face or a neutral fill here is seen as in the protected image. So a
person whose head is not found, and everybody once something fails, is covered whole.
"""
from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.identity_decoupling.face_replacer import FaceOutcome, FaceReplacer
from latent_rag_ros.identity_decoupling.face_square import face_square
from latent_rag_ros.perception.center_face import Face
from latent_rag_ros.protection.evidence import (
    EvidenceFace, EvidenceModel, FaceReason, HeadFill)
from latent_rag_ros.protection.head_location import (
    Located, assigned, is_turned, overlaps, top_of)
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Box, ImageArray, Region, TrackedPerson

LOGGER = logging.getLogger(__name__)

Result = TypeVar('Result')

NEUTRAL_GROWTH = 0.1
"""A neutral fill is larger than the head's square by this share of it on every side."""

REASONS = {FaceOutcome.REPLACED: FaceReason.NONE, FaceOutcome.KNOWN: FaceReason.KNOWN,
           FaceOutcome.NO_REPLACEMENT: FaceReason.NO_REPLACEMENT,
           FaceOutcome.NOT_FINITE: FaceReason.FAILED, FaceOutcome.LATE: FaceReason.LATE}


class FaceDetector(Protocol):
    """Finds faces."""

    def detect(self, image: ImageArray) -> list[Face]:
        """Return the faces of an image; see `CenterFaceDetector.detect`."""
        ...


@dataclass(frozen=True)
class EvidenceSettings:
    """When a face is not replaced, and what is done then.

    Parameters
    ----------
    face_px_min : int
        Faces less wide than this are not replaced.
    neutral : bool
        Cover the head alone of who shows no face, or too small a one; else the whole person.
    """

    face_px_min: int = 24
    neutral: bool = False


@dataclass(frozen=True)
class HeadCover:
    """What is painted for one person, or for one face of nobody.

    Parameters
    ----------
    face : EvidenceFace
        What is said about it; `face.box` is what a neutral fill covers.
    square : Box or None
        Where `pixels` belong; may leave the image.
    pixels : NDArray or None
        A new face, shape (side, side, 3), uint8, RGB.
    region : Region or None
        The person's region; None for a face of nobody.
    """

    face: EvidenceFace
    square: Box | None = None
    pixels: NDArray[np.uint8] | None = None
    region: Region | None = None


class EvidenceMethod:
    """Replaces the faces of a frame. Not thread-safe.

    Parameters
    ----------
    detector : FaceDetector
        Finds faces and landmarks.
    replacer : FaceReplacer
        Replaces one face.
    settings : EvidenceSettings
    model_id : str
        Name of generator and gallery.
    """

    def __init__(self, detector: FaceDetector, replacer: FaceReplacer, settings: EvidenceSettings,
                 model_id: str) -> None:
        self._detector, self._replacer, self._settings = detector, replacer, settings
        oracles, leak = replacer.oracles, replacer.leak
        self.model = EvidenceModel(
            model_id, replacer.generator.steps, tuple(oracle.name for oracle in oracles),
            tuple(oracle.threshold for oracle in oracles), leak.bound_bits, leak.worst_bits)

    @property
    def redraws(self) -> int:
        """Replacements that had to be changed so far."""
        return self._replacer.redraws

    def forget(self, alive: set[int]) -> None:
        """Drop the replacements of tracks that are not in `alive`."""
        self._replacer.keep_only(alive)

    def covers(self, image: ImageArray, located: Located, clock: StageClock,
               deadline_s: float) -> list[HeadCover]:
        """Return one cover per person, in order, and then one per face that belongs to nobody.

        Parameters
        ----------
        image : ImageArray
            The raw picture.
        located : sequence
            Persons and their regions.
        clock : StageClock
            Takes the times of the stages.
        deadline_s : float
            Monotonic time after which everybody left is covered whole.
        """
        with clock('faces'):
            found = _guarded(lambda: self._faces(image))
        if isinstance(found, FaceReason):
            return [_whole(person, region, found) for person, region in located]
        with clock('replace'):
            return self._covers(image, *found, located, deadline_s)

    def _faces(self, image: ImageArray) -> tuple[list[Face], list[Box]]:
        """Return the faces of an image and the squares around their heads."""
        faces = self._detector.detect(image)
        return faces, [face_square(face.landmarks) for face in faces]

    def _covers(self, image: ImageArray, faces: Sequence[Face], squares: Sequence[Box],
                located: Located, deadline_s: float) -> list[HeadCover]:
        owned, unclear = assigned(faces, located)
        crowded = _crowded(faces, squares)
        covers: dict[int, HeadCover] = {}
        for row in sorted(range(len(located)), key=lambda row: _size(owned, faces, row)):
            person, region = located[row]
            if row in unclear or owned.get(row) in crowded:
                covers[row] = _whole(person, region, FaceReason.CROWDED)
            elif time.monotonic() >= deadline_s:
                covers[row] = _whole(person, region, FaceReason.LATE)
            elif row in owned:
                covers[row] = self._with_face(image, person, region, faces[owned[row]],
                                              deadline_s)
            else:
                covers[row] = self._without_face(image, person, region)
        nobodys = [_neutral(0, square, face.score, FaceReason.NOBODY, image)
                   for row, (face, square) in enumerate(zip(faces, squares))
                   if row not in owned.values()]
        return [covers[row] for row in range(len(located))] + nobodys

    def _with_face(self, image: ImageArray, person: TrackedPerson, region: Region, face: Face,
                   deadline_s: float) -> HeadCover:
        """Return a person's new face; without one the head or the whole person is covered."""
        small = face.box.width_px < self._settings.face_px_min
        if small or is_turned(face.landmarks):
            reason = FaceReason.TOO_SMALL if small else FaceReason.TURNED
            if not self._settings.neutral:
                return _whole(person, region, reason, face.score)
            square = face_square(face.landmarks)
            return replace(_neutral(person.track_id, square, face.score, reason, image),
                           region=region)
        made = _guarded(lambda: self._replacer.replace(image, face.landmarks, person.track_id,
                                                       deadline_s))
        if isinstance(made, FaceReason):
            return _whole(person, region, made, face.score)
        record = made.record
        measured = {'score': face.score, 'cosines': record.cosines, 'margins': record.margins,
                    'steps': record.steps, 'tries': record.tries}
        if made.pixels is None:
            whole = _whole(person, region, REASONS[record.outcome])
            return replace(whole, face=replace(whole.face, **measured))
        box = made.square.clipped(*image.shape[:2])
        return HeadCover(EvidenceFace(person.track_id, box, HeadFill.REPLACED, **measured),
                         made.square, made.pixels, region)

    def _without_face(self, image: ImageArray, person: TrackedPerson, region: Region) -> HeadCover:
        reason = FaceReason.MISSED if person.missed_frames else FaceReason.NO_FACE
        top = top_of(person, region, image.shape[0]) if self._settings.neutral else None
        if top is None:
            return _whole(person, region, reason)
        return HeadCover(EvidenceFace(person.track_id, top, HeadFill.NEUTRAL, reason),
                         region=region)


def _guarded(step: Callable[[], Result]) -> Result | FaceReason:
    """Return what a step returns, or why it failed."""
    try:
        return step()
    except (torch.cuda.OutOfMemoryError, MemoryError) as error:
        LOGGER.error('no memory to replace a face, persons are covered whole: %s', error)
        return FaceReason.OUT_OF_MEMORY
    except (RuntimeError, ValueError) as error:
        LOGGER.error('a face cannot be replaced, persons are covered whole: %s', error)
        return FaceReason.FAILED


def _whole(person: TrackedPerson, region: Region, reason: FaceReason,
           score: float = float('nan')) -> HeadCover:
    return HeadCover(EvidenceFace(person.track_id, region.bounds, HeadFill.WHOLE_PERSON, reason,
                                  score), region=region)


def _neutral(track_id: int, square: Box, score: float, reason: FaceReason,
             image: ImageArray) -> HeadCover:
    box = square.grown(max(1, round(NEUTRAL_GROWTH * square.width_px)))
    return HeadCover(EvidenceFace(track_id, box.clipped(*image.shape[:2]), HeadFill.NEUTRAL,
                                  reason, score))


def _size(owned: dict[int, int], faces: Sequence[Face], row: int) -> int:
    """Return what persons are sorted by: those with the largest face first, as time may end."""
    return -faces[owned[row]].box.width_px if row in owned else 0


def _crowded(faces: Sequence[Face], squares: Sequence[Box]) -> set[int]:
    """Return the faces that lie in the square of a larger one: it would be drawn with them."""
    return {row for row, face in enumerate(faces)
            if any(square.width_px >= squares[row].width_px and other != row
                   and overlaps(square, squares[row], face.landmarks)
                   for other, square in enumerate(squares))}
