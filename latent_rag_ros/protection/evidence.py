"""The values of an evidence image: what covers each head, why, and what was measured."""
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from latent_rag_ros.protection.types import Box, ImageArray, MaskArray, Reason


class HeadFill(IntEnum):
    """What is seen instead of a head; the values equal `EvidenceFace.FILL_*`."""

    REPLACED = 0
    NEUTRAL = 1
    WHOLE_PERSON = 2


class FaceReason(IntEnum):
    """Why a face was not replaced; the values equal `EvidenceFace.REASON_*`."""

    NONE = 0
    NO_FACE = 1
    TOO_SMALL = 2
    TURNED = 3
    MISSED = 4
    CROWDED = 5
    NOBODY = 6
    NO_REPLACEMENT = 7
    KNOWN = 8
    LATE = 9
    FAILED = 10
    OUT_OF_MEMORY = 11


FRAME_REASONS = {FaceReason.OUT_OF_MEMORY: Reason.OUT_OF_MEMORY,
                 FaceReason.FAILED: Reason.GENERATOR_FAILED, FaceReason.LATE: Reason.LATE,
                 FaceReason.KNOWN: Reason.NOT_VERIFIED,
                 FaceReason.NO_REPLACEMENT: Reason.NOT_VERIFIED}
"""Reason of the frame by that of a face. Of the others none is a fault: who is turned away, too
small or in a crowd is covered as the parameters say."""


@dataclass(frozen=True)
class EvidenceFace:
    """One person, or one face of nobody, of an evidence image.

    Parameters
    ----------
    track_id : int
        The person's track; 0 for a face that belongs to no tracked person.
    box : Box
        The head for a replaced or neutral one, the person's covered region otherwise.
    fill : HeadFill
    reason : FaceReason
        NONE for a replaced face.
    score : float
        Score of the face detector; NaN where no face was found.
    cosines, margins : tuple of float
        By oracle, of a face that was made: cosine to the person, and how far that is below the
        threshold. They tell something of the person.
    steps, tries : int
        Gradient steps and proposed identities. They tell something of the person, too.
    """

    track_id: int
    box: Box
    fill: HeadFill
    reason: FaceReason = FaceReason.NONE
    score: float = float('nan')
    cosines: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()
    steps: int = 0
    tries: int = 0


@dataclass(frozen=True)
class EvidenceFrame:
    """An evidence image. Only `protection.pipeline` creates these.

    Parameters
    ----------
    image : ImageArray
        Publishable pixels, RGB, size of the input.
    faces : tuple of EvidenceFace
        One per person, and one per face that belongs to none.
    changed : MaskArray
        Where a pixel may differ from the input; everywhere else it is the same.
    redraws : int
        Replacements that had to be changed so far; each gives away as much as a first one.
    """

    image: ImageArray
    faces: tuple[EvidenceFace, ...]
    changed: MaskArray
    redraws: int = 0


@dataclass(frozen=True)
class EvidenceModel:
    """What makes the evidence images of one configuration, and what it gives away.

    Parameters
    ----------
    model_id : str
        Kind, steps and hash of generator and gallery.
    steps : int
        Steps of the generator.
    oracles : tuple of str
        Who must not know a replaced face.
    thresholds : tuple of float
        Their cosines, in the same order.
    leak_bits, leak_worst_bits : float
        What one replacement gives away of the person at most, on average and at worst.
    """

    model_id: str
    steps: int
    oracles: tuple[str, ...]
    thresholds: tuple[float, ...]
    leak_bits: float
    leak_worst_bits: float
