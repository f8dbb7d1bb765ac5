"""What a reidentifier is told, frame by frame, and who the people really are."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images
from latent_rag_ros.evaluation.vtest import resized
from latent_rag_ros.gallery.features import FeatureArray
from latent_rag_ros.gallery.quality import QualityGate, shared_areas
from latent_rag_ros.gallery.tracks import REMEMBERED_MISSED_FRAMES
from latent_rag_ros.perception.overlap import intersection_over_union
from latent_rag_ros.protection.types import Box, Frame, ImageArray, ProtectedFrame

IOU_MIN = 0.3
"""Overlap from which a found person is a labelled one. Less than the usual 0.5: what is published
is the covered region, which is larger than the person on purpose."""

SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class Truth:
    """One labelled person of a frame.

    Parameters
    ----------
    person, visit : int
        Who it is, and the person's way past this camera, both from 1.
    box : Box
        Where the person is seen.
    counts : bool
        Whether the person must be found; else the person is too small or too hidden to be scored.
    """

    person: int
    visit: int
    box: Box
    counts: bool = True


@dataclass(frozen=True)
class ObservedFrame:
    """One frame as a reidentifier gets it, with the truth.

    Parameters
    ----------
    camera : str
        Camera.
    stamp_ns : int
        Stamp.
    tracks : tuple of int
        Tracks of the n people who carry a feature.
    features : FeatureArray
        Their features, shape (n, dimension).
    is_good : tuple of bool
        Which of them pass the quality gate.
    truths : tuple of Truth or None
        Who they are; None for somebody who is not labelled, such as a pillar.
    silent_tracks : tuple of int
        Tracks of the people who are published without a feature and may be remembered.
    silent_truths : tuple of Truth or None
        Who they are.
    missed : tuple of Truth
        Labelled people who count and of whom nothing is said.
    """

    camera: str
    stamp_ns: int
    tracks: tuple[int, ...]
    features: FeatureArray
    is_good: tuple[bool, ...]
    truths: tuple[Truth | None, ...]
    silent_tracks: tuple[int, ...] = ()
    silent_truths: tuple[Truth | None, ...] = ()
    missed: tuple[Truth, ...] = ()

    @property
    def everybody(self) -> tuple[Truth | None, ...]:
        """Who the published people are: first those with a feature, then the others."""
        return self.truths + self.silent_truths


@dataclass(frozen=True)
class LabelledPicture:
    """A raw frame of a camera and who is in it."""

    camera: str
    time_s: float
    image: ImageArray
    truths: tuple[Truth, ...]


def observed(pictures: Iterable[LabelledPicture], pipelines: Mapping[str, object],
             gate: QualityGate) -> Iterator[ObservedFrame]:
    """Yield what the filter of each camera says about its pictures.

    Parameters
    ----------
    pictures : iterable of LabelledPicture
        In the order of time.
    pipelines : Mapping
        The `ProtectionPipeline` of every camera.
    gate : QualityGate
        What may be learned.
    """
    for picture in pictures:
        frame = Frame(picture.image, picture.time_s, picture.time_s)
        yield told(picture, pipelines[picture.camera].protect(frame), gate)


def told(picture: LabelledPicture, frame: ProtectedFrame, gate: QualityGate) -> ObservedFrame:
    """Return what the reidentifier is told about one protected frame."""
    persons = [person for person in frame.persons if person.feature is not None]
    silent = [person for person in frame.persons if person.feature is None
              and person.missed_frames <= REMEMBERED_MISSED_FRAMES]
    owners = matched([person.box for person in (*persons, *silent)],
                     [truth.box for truth in picture.truths])
    truths = tuple(None if owner is None else picture.truths[owner] for owner in owners)
    found = set(owners) - {None}
    dimension = len(persons[0].feature) if persons else 0
    shares = dict(zip((person.track_id for person in frame.persons), shared_areas(
        [tuple_of(person.box) for person in frame.persons])))
    return ObservedFrame(
        picture.camera, round(picture.time_s * SECOND_NS),
        tuple(person.track_id for person in persons),
        np.array([person.feature for person in persons], np.float32).reshape(
            len(persons), dimension),
        tuple(gate.passes(person.box.height_px, person.box.width_px, person.score,
                          person.missed_frames, shares[person.track_id])
              for person in persons),
        truths[:len(persons)], tuple(person.track_id for person in silent),
        truths[len(persons):],
        tuple(truth for row, truth in enumerate(picture.truths)
              if truth.counts and row not in found))


def tuple_of(box: Box) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom."""
    return box.left, box.top, box.right, box.bottom


def told_by_labels(picture: LabelledPicture, network: EmbeddingNetwork, gate: QualityGate,
                   device: str = 'cpu') -> ObservedFrame:
    """Return what a reidentifier would be told by a detector and a tracker without errors.

    The true boxes are cut out and embedded, and every visit is one track.
    """
    persons = [truth for truth in picture.truths if truth.counts]
    crops = [resized(picture.image[truth.box.slices]) for truth in persons]
    features = (embed_images(network, np.stack(crops), device) if crops
                else np.empty((0, 0), np.float32))
    shares = dict(zip((truth.visit for truth in picture.truths), shared_areas(
        [tuple_of(truth.box) for truth in picture.truths])))
    return ObservedFrame(
        picture.camera, round(picture.time_s * SECOND_NS),
        tuple(truth.visit for truth in persons), features,
        tuple(gate.passes(truth.box.height_px, truth.box.width_px, 1.0, 0, shares[truth.visit])
              for truth in persons), tuple(persons))


def matched(found: Sequence[Box], labelled: Sequence[Box]) -> list[int | None]:
    """Return for each box found the row of its labelled one, one to one; None without one."""
    overlaps = intersection_over_union(*(
        np.array([tuple_of(box) for box in boxes], np.float64).reshape(-1, 4)
        for boxes in (found, labelled)))
    owners: list[int | None] = [None] * len(found)
    if overlaps.size:
        gains = np.where(overlaps >= IOU_MIN, overlaps, 0)
        for row, column in zip(*linear_sum_assignment(gains, maximize=True)):
            owners[row] = int(column) if gains[row, column] else None
    return owners


def dimension_of(frames: Sequence[ObservedFrame]) -> int:
    """Return the length of the features."""
    return next((frame.features.shape[1] for frame in frames if len(frame.tracks)), 0)
