"""From tracks to identities: which known identity each track of a frame is, and who is new.

The rules, in the order in which `TrackIdentifier.identify` applies them:

1. A track keeps its identity while it is seen without a pause, until its features contradict it
   `observations_min` times in a row. Of two tracks with one identity the more similar keeps it.
2. All others are matched by their features alone, one to one within the frame. So a protector
   that was restarted, and counts its tracks from 1 again, inherits nothing.
3. A track that matched nobody for `observations_min` observations that agree is a new identity.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from latent_rag_ros.gallery.assignment import assign
from latent_rag_ros.gallery.features import FeatureArray, Features, GalleryError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.identity import Candidate

CONTRADICTION_MARGIN = 0.1
"""Cosine by which a feature must miss the limit, or favour somebody else, to contradict."""

PAUSE_NS = 2_000_000_000
"""A track unseen for longer must match again: loading its weights takes a new protector longer."""

MEMORY_NS = 60_000_000_000
"""A track unseen for longer is forgotten."""


@dataclass(frozen=True)
class TrackMatch:
    """What the gallery says about one track of a frame.

    Parameters
    ----------
    track_id : int
        The track, as it was given.
    identity_id : int
        Its identity, from 1; 0 while unknown.
    similarity : float
        Cosine to that identity, or to the nearest one for an unknown or just enrolled track;
        NaN when the gallery was empty.
    enrolled : bool
        True when this observation made the identity.
    """

    track_id: int
    identity_id: int
    similarity: float
    enrolled: bool = False


@dataclass
class _Track:
    """What is remembered of one track between frames."""

    seen_ns: int
    identity_id: int = 0
    contradictions: int = 0
    unknown: list[tuple[int, FeatureArray]] = field(default_factory=list)  # (stamp, (1, d)) each

    def hold(self, identity_id: int) -> None:
        if identity_id != self.identity_id:
            self.contradictions = 0
        self.identity_id = identity_id
        self.unknown.clear()


class TrackIdentifier:
    """Names the tracks of every camera by the identities of one gallery. Deterministic.

    Parameters
    ----------
    gallery : Gallery
        The identities; this class adds to it and erases from it.
    similarity_min : float
        Cosine from which a feature is taken for a known identity, -1 .. 1.
    enrol : bool
        Whether tracks that match nobody become new identities.
    observations_min : int
        Observations before a track is enrolled, and contradictions before it loses its identity.
    """

    def __init__(self, gallery: Gallery, similarity_min: float, enrol: bool,
                 observations_min: int) -> None:
        self._gallery = gallery
        self._similarity_min = similarity_min
        self._enrol = enrol
        self._observations_min = observations_min
        self._cameras: dict[str, dict[int, _Track]] = {}

    def identify(self, camera: str, stamp_ns: int, track_ids: Sequence[int],
                 features: Features) -> list[TrackMatch]:
        """Match the persons of one frame and learn from it.

        Parameters
        ----------
        camera : str
            Frame id of the camera; track ids of different cameras are different tracks.
        stamp_ns : int
            Stamp of the frame, nanoseconds. A stamp in the past forgets the camera's tracks.
        track_ids : sequence of int
            Tracks of the n persons that have a feature.
        features : Features
            Their n features, same order.

        Returns
        -------
        list of TrackMatch
            One per person, same order.

        Raises
        ------
        GalleryError
            When numbers differ, a track occurs twice, or the features do not fit the gallery.
        """
        if len(track_ids) != len(features) or len(set(track_ids)) != len(track_ids):
            raise GalleryError(f'tracks {list(track_ids)} came with {len(features)} features; '
                               'send each track once, with one feature')
        candidates = self._gallery.match(features, max(1, len(track_ids)))
        known = self._tracks_of(camera, stamp_ns)
        tracks = [known.setdefault(track_id, _Track(stamp_ns)) for track_id in track_ids]
        kept = self._keep_identities(tracks, features, candidates, stamp_ns)
        free = [row for row in range(len(tracks)) if row not in kept]
        found = assign([candidates[row] for row in free],
                       {candidate.identity_id for candidate in kept.values()},
                       self._similarity_min)
        chosen = kept | {row: match for row, match in zip(free, found) if match is not None}
        # the recognised first: the room a new identity needs is never theirs
        matches = {row: self._conclude(track_ids[row], tracks[row], chosen.get(row),
                                       candidates[row], features.only(row), stamp_ns)
                   for row in sorted(range(len(tracks)), key=lambda row: (row not in chosen, row))}
        return [matches[row] for row in range(len(tracks))]

    def erase(self, identity_id: int) -> int:
        """Erase an identity; return the number of its features that were removed.

        Features of tracks that wait to be enrolled go too: they may be of the same person.
        Raises `GalleryError` for an unknown identity.
        """
        erased = self._gallery.erase(identity_id)
        for tracks in self._cameras.values():
            for track in tracks.values():
                track.unknown.clear()
        return erased

    def erase_all(self) -> int:
        """Erase all identities and tracks; return the number of identities that were removed."""
        self._cameras.clear()
        return self._gallery.erase_all()

    def _tracks_of(self, camera: str, stamp_ns: int) -> dict[int, _Track]:
        """Return the remembered tracks of a camera, without those of another time."""
        tracks = self._cameras.get(camera, {})
        if any(track.seen_ns > stamp_ns for track in tracks.values()):
            tracks = {}
        self._cameras[camera] = {track_id: track for track_id, track in tracks.items()
                                 if stamp_ns - track.seen_ns <= MEMORY_NS}
        return self._cameras[camera]

    def _keep_identities(self, tracks: Sequence[_Track], features: Features,
                         candidates: Sequence[Sequence[Candidate]],
                         stamp_ns: int) -> dict[int, Candidate]:
        """Return, by row, the identities that tracks keep; take them from all other tracks."""
        claims: dict[int, Candidate] = {}
        for row, track in enumerate(tracks):
            claim = self._claim(track, features.only(row), candidates[row], stamp_ns)
            if claim is None:
                track.identity_id = 0
            else:
                claims[row] = claim
        kept: dict[int, Candidate] = {}
        for row, claim in sorted(claims.items(), key=lambda item: -item[1].similarity):
            if claim.identity_id in {candidate.identity_id for candidate in kept.values()}:
                tracks[row].identity_id = 0
            else:
                kept[row] = claim
        return kept

    def _claim(self, track: _Track, feature: Features, candidates: Sequence[Candidate],
               stamp_ns: int) -> Candidate | None:
        """Return the identity a track still has, with the cosine of its new feature to it."""
        if track.identity_id not in self._gallery or stamp_ns - track.seen_ns > PAUSE_NS:
            return None
        similarity = self._gallery.similarity(track.identity_id, feature)[0]
        best = candidates[0].similarity
        if (similarity < self._similarity_min - CONTRADICTION_MARGIN
                or best > max(self._similarity_min, similarity + CONTRADICTION_MARGIN)):
            track.contradictions += 1
        else:
            track.contradictions = 0
        if track.contradictions >= self._observations_min:
            return None
        return Candidate(track.identity_id, similarity)

    def _conclude(self, track_id: int, track: _Track, match: Candidate | None,
                  candidates: Sequence[Candidate], feature: Features,
                  stamp_ns: int) -> TrackMatch:
        """Update track and gallery by what one person of the frame turned out to be."""
        track.seen_ns = stamp_ns
        if match is not None:
            track.hold(match.identity_id)
            if not track.contradictions:
                self._learn(match, feature, stamp_ns)
            return TrackMatch(track_id, match.identity_id, match.similarity)
        nearest = candidates[0].similarity if candidates else math.nan
        if self._ready(track, feature, stamp_ns):
            track.hold(self._enrol_track(track, feature))
            return TrackMatch(track_id, track.identity_id, nearest, enrolled=True)
        return TrackMatch(track_id, 0, nearest)

    def _learn(self, match: Candidate, feature: Features, stamp_ns: int) -> None:
        """Note the observation; keep its feature when it is surely the person and adds a view."""
        adds_a_view = match.similarity < (1 + self._similarity_min) / 2
        surely_this_one = match.similarity >= self._similarity_min
        self._gallery.observe(match.identity_id, stamp_ns,
                              feature if surely_this_one and adds_a_view else None)

    def _ready(self, track: _Track, feature: Features, stamp_ns: int) -> bool:
        """Collect a feature that matched nobody; tell whether they suffice for an identity."""
        if not self._enrol:
            return False
        if track.unknown:
            mean = np.mean([vector[0] for _, vector in track.unknown], axis=0)
            # features that do not agree are of two people, or of nobody in particular
            cosine = float(feature.vectors[0] @ mean / max(np.linalg.norm(mean), 1e-12))
            if cosine < self._similarity_min:
                track.unknown.clear()
        track.unknown.append((stamp_ns, feature.vectors))
        return len(track.unknown) >= self._observations_min

    def _enrol_track(self, track: _Track, feature: Features) -> int:
        stamps, vectors = zip(*track.unknown)
        return self._gallery.enrol(Features(feature.space, np.concatenate(vectors)),
                                   stamps[0], stamps[-1])
