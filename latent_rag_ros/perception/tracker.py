"""Follows persons from frame to frame, and keeps those covered whom the detector misses.

Detections are assigned to predicted boxes by the largest total intersection over union (SORT,
Bewley et al., ICIP 2016); what is left over is tried again with buffered boxes (C-BIoU, Yang et
al., WACV 2023) among people whose motion is not known yet: they move far between two frames when
frames are dropped, and buffers would exchange those who can be predicted. Detections that
are certain choose first, among people who were certain before (after ByteTrack, Zhang et al., ECCV
2022): else a weak second box of a person may take the track and leave the person to a new one. One
difference is what privacy asks for: a missed person is not dropped but reported, with a growing
box, until the memory ends.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latent_rag_ros.perception.clusters import corners
from latent_rag_ros.perception.duplicates import owner_of
from latent_rag_ros.perception.frame_period import FramePeriod
from latent_rag_ros.perception.overlap import (areas, buffered, heights,
                                               intersection_over_union, intersections)
from latent_rag_ros.perception.track import Track
from latent_rag_ros.protection.types import Box, Detection, TrackedPerson

MISSED_FRAMES_KEPT = 2
"""A missed person is kept for this many frames however long they take."""

BUFFERS = (0.0, 0.5)
"""Growth of the boxes on every side in the first and the second assignment, in box heights."""

HEIGHT_RATIO_MAX = 1.5
"""Boxes that only meet when they have grown are one person when their heights differ no more."""

DUPLICATE_SHARE = 0.9
"""A missed young track with this share of its box inside a detected one is that person again."""


class Tracker:
    """Assign detections to persons. Deterministic; ids are never used twice, not after a reset.

    Parameters
    ----------
    overlap_min : float
        A detection continues a track when their intersection over union is at least this, 0..1.
    memory_frames : int
        A person is reported for at most this many frames after the last detection.
    memory_s : float
        And for at most this many seconds, but for `MISSED_FRAMES_KEPT` frames in any case: when
        frames are dropped, a few frames are long enough for everybody to have gone elsewhere.
    certain_score : float
        Detections from this score on are certain, 0..1; those below are weak. Weak ones are
        covered as well, and continue tracks that certain ones leave over.
    """

    def __init__(self, overlap_min: float, memory_frames: int,
                 memory_s: float = math.inf, certain_score: float = 0.0) -> None:
        self._overlap_min, self._certain_score = overlap_min, certain_score
        self._memory_frames, self._memory_s = memory_frames, memory_s
        self._next_id = 1
        self._size_px: tuple[int, int] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget everybody; later persons get new ids."""
        self._tracks: list[Track] = []
        self._period = FramePeriod()
        self._size_px = None

    def update(self, detections: list[Detection], height_px: int, width_px: int,
               now_s: float = 0.0) -> list[TrackedPerson]:
        """Take the detections of the next frame and return everybody to be covered in it.

        A frame of another size than the one before resets the tracker first: its pixels cannot be
        compared.

        Parameters
        ----------
        detections : list of Detection
            Persons of this frame.
        height_px, width_px : int
            Size of the frame.
        now_s : float
            Time of the frame on any clock that does not go back [s].

        Returns
        -------
        list of TrackedPerson
            Detected and missed persons, by id. Boxes are inside the frame and never empty; of a
            missed person it is never smaller than the last detected one. All detections are
            inside what is covered.
        """
        if self._size_px != (height_px, width_px):
            self.reset()
            self._size_px = (height_px, width_px)
        elapsed_frames = self._period.step(now_s)
        for track in self._tracks:
            track.predict(elapsed_frames)
        boxes = corners([detection.box for detection in detections])
        extents = corners([detection.covered for detection in detections])
        scores = np.array([detection.score for detection in detections])
        assigned = self._assigned(boxes, scores)
        for row, track in enumerate(self._tracks):
            if row in assigned:
                column = assigned[row]
                track.detect(boxes[column], extents[column], float(scores[column]), now_s,
                             bool(scores[column] < self._certain_score))
            else:
                track.miss()
        self._tracks = [track for track in self._tracks if self._is_remembered(track, now_s)]
        left = sorted(set(range(len(detections))) - set(assigned.values()),
                      key=lambda column: (-scores[column], column))
        for column in left:
            self._open(boxes[column], extents[column], float(scores[column]), now_s)
        self._drop_duplicates()
        return self._persons(height_px, width_px)

    def _open(self, box: NDArray[np.float64], extent: NDArray[np.float64], score: float,
              now_s: float) -> None:
        """Begin a track, unless the detection shows somebody who is seen in this frame anyhow."""
        seen = [track for track in self._tracks if not track.missed_frames]
        row = owner_of(extent, box, score < self._certain_score,
                       np.array([track.seen for track in seen]).reshape(-1, 4),
                       np.array([track.covered for track in seen]).reshape(-1, 4))
        if row is not None:
            seen[row].absorb(extent)
            return
        self._tracks.append(Track(self._next_id, box, extent, score, now_s))
        self._next_id += 1

    def _is_remembered(self, track: Track, now_s: float) -> bool:
        recent = (now_s - track.seen_s <= self._memory_s
                  or track.missed_frames <= MISSED_FRAMES_KEPT)
        return track.missed_frames <= self._memory_frames and recent

    def _assigned(self, boxes: NDArray[np.float64],
                  scores: NDArray[np.float64]) -> dict[int, int]:
        """Return the detection of every track that is continued now, both by index."""
        certain = [row for row, track in enumerate(self._tracks) if self._is_certain(track)]
        certain_columns = np.flatnonzero(scores >= self._certain_score).tolist()
        everybody, all_columns = list(range(len(self._tracks))), list(range(len(boxes)))
        assigned: dict[int, int] = {}
        for buffer in BUFFERS:
            assigned |= self._assign(boxes, certain, certain_columns, assigned, buffer)
            assigned |= self._assign(boxes, everybody, all_columns, assigned, buffer)
        return assigned

    def _is_certain(self, track: Track) -> bool:
        return track.best_score >= self._certain_score

    def _assign(self, boxes: NDArray[np.float64], rows: list[int], columns: list[int],
                assigned: dict[int, int], buffer: float) -> dict[int, int]:
        """Return which of the detections `columns` continue which of the tracks `rows`.

        Tracks and detections that are in `assigned` already are not looked at.
        """
        rows = [row for row in rows if row not in assigned
                and not (buffer and self._tracks[row].is_established)]
        columns = [column for column in columns if column not in assigned.values()]
        expected = np.array([self._tracks[row].expected for row in rows]).reshape(-1, 4)
        overlap = intersection_over_union(buffered(expected, buffer),
                                          buffered(boxes[columns], buffer))
        if buffer:
            ratio = heights(expected)[:, None] / heights(boxes[columns])
            overlap[(ratio > HEIGHT_RATIO_MAX) | (1 / ratio > HEIGHT_RATIO_MAX)] = 0.0
        overlap[overlap < self._overlap_min] = 0.0
        pairs = zip(*linear_sum_assignment(overlap, maximize=True))
        return {rows[row]: columns[column] for row, column in pairs if overlap[row, column] > 0.0}

    def _drop_duplicates(self) -> None:
        """Drop missed young tracks that lie inside a detected one: one person was seen twice."""
        seen = [track for track in self._tracks if not track.missed_frames]
        young = [track for track in self._tracks
                 if track.missed_frames and not track.is_established]
        if not seen or not young:
            return
        young_boxes = np.array([track.expected for track in young])
        common = intersections(young_boxes, np.array([track.covered for track in seen]))
        inside = (common >= DUPLICATE_SHARE * areas(young_boxes)[:, None]).any(axis=1)
        dropped = {track.track_id for track, is_inside in zip(young, inside) if is_inside}
        self._tracks = [track for track in self._tracks if track.track_id not in dropped]

    def _persons(self, height_px: int, width_px: int) -> list[TrackedPerson]:
        persons = []
        for track in self._tracks:
            box, covered = (_pixels(corners_px).clipped(height_px, width_px)
                            for corners_px in (track.shown, track.covered))
            if box.width_px and box.height_px:
                persons.append(TrackedPerson(
                    track.track_id, box, track.score, track.missed_frames,
                    None if covered == box else covered, self._is_certain(track)))
        return persons


def _pixels(corners_px: NDArray[np.float64]) -> Box:
    """Return the smallest box of whole pixels that holds left, top, right, bottom."""
    left, top, right, bottom = corners_px.tolist()
    return Box(math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
