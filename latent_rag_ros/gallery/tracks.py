"""From tracks to identities: which known identity each track of a frame is, and who is new.

The rules, in the order in which `TrackIdentifier.identify` applies them:

1. A track keeps its identity while it is seen without a pause, until its features contradict it
   `observations_min` times in a row; a view that contradicts is not answered by the identity. Of
   two tracks with one identity the more similar keeps it.
2. All others are matched by their features alone, one to one within the frame. So a protector
   that was restarted, and counts its tracks from 1 again, inherits nothing.
3. A track that matched nobody for `observations_min` observations that agree is a new identity.
4. Tracks are compared by the mean of their last good features; bad ones teach nothing.
5. A person without a feature in a frame keeps what the track was told last, for a while.
6. Two identities that one track matches equally well, and that were never seen side by side, are
   merged; one that its only track just enrolled as soon as the track proves to be somebody known.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from latent_rag_ros.gallery.assignment import assign
from latent_rag_ros.gallery.features import FeatureArray, Features, GalleryError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.identity import Candidate
from latent_rag_ros.gallery.limits import UNCALIBRATED_AGREEMENT
from latent_rag_ros.gallery.merging import Merger
from latent_rag_ros.gallery.track_state import TrackState

CONTRADICTION_MARGIN = 0.1
"""Cosine by which a feature must favour somebody else to contradict."""

PAUSE_NS = 2_000_000_000
"""A track unseen for longer must match again: loading its weights takes a new protector longer."""

REMEMBERED_NS = 500_000_000
"""A person without a feature is whom the track was taken for no longer than this: where ways
cross, a tracker goes from one to the other."""

REMEMBERED_MISSED_FRAMES = 1
"""Nor when the person was missed in more frames: the detector skips single ones on purpose."""

REORDERED_NS = 200_000_000
"""Frames that arrive out of order by no more than this do not count as a clock that was set."""

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
    merged_id : int
        Identity that this observation proved equal and that is now part of `identity_id`; 0 for
        none.
    """

    track_id: int
    identity_id: int
    similarity: float
    enrolled: bool = False
    merged_id: int = 0


@dataclass(frozen=True)
class _Moment:
    """Where and when a frame was taken."""

    camera: str
    stamp_ns: int


class TrackIdentifier:
    """Names the tracks of every camera by the identities of one gallery. Deterministic.

    Parameters
    ----------
    gallery : Gallery
        The identities; this class adds to it and erases from it.
    similarity_min : float or Callable
        Cosine from which a feature is taken for a known identity, -1 .. 1, or what gives it for a
        number of identities.
    enrol : bool
        Whether tracks that match nobody become new identities.
    observations_min : int
        Observations before a track is enrolled, and contradictions before it loses its identity.
    pooling : int
        Features of a track whose mean is compared.
    merge : bool
        Whether two identities that prove equal become one.
    travel_s_min : float
        Nobody gets from one camera to another faster than this; 0 for views that overlap.
    agreement : Callable, optional
        Gives the cosine below which two features of one track are of two people: less than that
        of a match, because people rarely change within a track.
    """

    def __init__(self, gallery: Gallery, similarity_min: float | Callable[[int], float],
                 enrol: bool, observations_min: int, pooling: int = 1, merge: bool = False,
                 travel_s_min: float = 0.0,
                 agreement: Callable[[], float] | None = None) -> None:
        self._gallery = gallery
        self._agreement = agreement or (lambda: UNCALIBRATED_AGREEMENT)
        self._limit = similarity_min if callable(similarity_min) else lambda _: similarity_min
        self._similarity_min = self._agreement_min = self._limit(0)
        self._pooling, self._travel_ns_min = pooling, round(travel_s_min * 1e9)
        self._merger = Merger(gallery, observations_min) if merge else None
        self._enrol = enrol
        self._observations_min = observations_min
        self._cameras: dict[str, dict[int, TrackState]] = {}

    @property
    def similarity_min(self) -> float:
        """The cosine of a match in the last frame."""
        return self._similarity_min

    def identify(self, camera: str, stamp_ns: int, track_ids: Sequence[int], features: Features,
                 is_good: Sequence[bool] | None = None) -> list[TrackMatch]:
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
        is_good : sequence of bool, optional
            Which of them may be learned; all when it is not given.

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
        good = [True] * len(track_ids) if is_good is None else list(is_good)
        self._similarity_min = self._limit(len(self._gallery))
        self._agreement_min = min(self._similarity_min, self._agreement())
        known = self._tracks_of(camera, stamp_ns)
        tracks = [known.setdefault(track_id, TrackState(stamp_ns)) for track_id in track_ids]
        pooled = self._pool(tracks, features, good, stamp_ns)
        candidates = self._gallery.match(pooled, len(track_ids) + 1)
        kept = self._keep_identities(tracks, pooled, features, candidates, good, stamp_ns)
        free = [row for row in range(len(tracks)) if row not in kept]
        found = assign([candidates[row] for row in free],
                       {candidate.identity_id for candidate in kept.values()}
                       | self._elsewhere(camera, stamp_ns, candidates), self._similarity_min)
        chosen = kept | {row: match for row, match in zip(free, found) if match is not None}
        # the recognised first: the room a new identity needs is never theirs
        matches = {row: self._conclude(track_ids[row], tracks[row], chosen.get(row),
                                       candidates[row], features.only(row), good[row],
                                       _Moment(camera, stamp_ns))
                   for row in sorted(range(len(tracks)), key=lambda row: (row not in chosen, row))}
        ordered = [matches[row] for row in range(len(tracks))]
        if self._merger is not None:
            self._merge(tracks, ordered, candidates, good,
                        self._elsewhere(camera, stamp_ns, candidates))
        return ordered

    def remembered(self, camera: str, stamp_ns: int, track_ids: Sequence[int],
                   taken: Collection[int] = ()) -> list[int]:
        """Return the identities of persons who carry no feature in a frame, by their tracks.

        0 for a track without an identity, one whose last view contradicted it, one that showed no
        feature for longer than `REMEMBERED_NS`, and one whose identity somebody else of the frame
        has.

        Parameters
        ----------
        camera, stamp_ns : str, int
            As in `identify`, which comes first.
        track_ids : sequence of int
            Their tracks.
        taken : collection of int
            Identities of those who carry a feature in this frame.
        """
        known, named, found = self._cameras.get(camera, {}), set(taken), []
        for track_id in track_ids:
            track = known.get(track_id)
            holds = (track is not None and not track.contradictions
                     and track.identity_id in self._gallery
                     and abs(stamp_ns - track.seen_ns) <= REMEMBERED_NS)
            identity_id = track.identity_id if holds and track.identity_id not in named else 0
            named.add(identity_id)
            found.append(identity_id)
        return found

    def erase(self, identity_id: int) -> int:
        """Erase an identity; return the number of its features that were removed.

        Features of tracks that wait to be enrolled go too: they may be of the same person.
        Raises `GalleryError` for an unknown identity.
        """
        erased = self._gallery.erase(identity_id)
        self.forget_waiting()
        return erased

    def forget_waiting(self) -> None:
        """Forget all features of tracks: they may be of somebody who was just erased."""
        for tracks in self._cameras.values():
            for track in tracks.values():
                track.unknown.clear()
                track.recent.clear()

    def erase_all(self) -> int:
        """Erase all identities and tracks; return the number of identities that were removed."""
        self._cameras.clear()
        return self._gallery.erase_all()

    def _tracks_of(self, camera: str, stamp_ns: int) -> dict[int, TrackState]:
        """Return the remembered tracks of a camera, without those of another time."""
        tracks = self._cameras.get(camera, {})
        if any(track.seen_ns > stamp_ns + REORDERED_NS for track in tracks.values()):
            tracks = {}
        self._cameras[camera] = {track_id: track for track_id, track in tracks.items()
                                 if stamp_ns - track.seen_ns <= MEMORY_NS}
        return self._cameras[camera]

    def _pool(self, tracks: Sequence[TrackState], features: Features, good: Sequence[bool],
              stamp_ns: int) -> Features:
        """Return what each track is compared by."""
        rows = []
        for row, track in enumerate(tracks):
            if stamp_ns - track.seen_ns > PAUSE_NS:
                track.recent.clear()
            rows.append(track.pooled(features.vectors[row:row + 1], good[row],
                                     self._agreement_min, self._pooling))
        return Features(features.space, np.concatenate(rows)) if rows else features

    def _elsewhere(self, camera: str, stamp_ns: int,
                   candidates: Sequence[Sequence[Candidate]]) -> set[int]:
        """Return identities among the candidates that another camera saw too recently."""
        if not self._travel_ns_min:
            return set()
        known = {candidate.identity_id for row in candidates for candidate in row
                 if candidate.identity_id in self._gallery}
        return {identity.identity_id for identity in map(self._gallery.identity, known)
                if identity.camera != camera
                and abs(stamp_ns - identity.last_seen_ns) < self._travel_ns_min}

    def _merge(self, tracks: Sequence[TrackState], matches: list[TrackMatch],
               candidates: Sequence[Sequence[Candidate]], good: Sequence[bool],
               elsewhere: set[int]) -> None:
        """Merge what this frame proves equal; the tracks of the merged get the kept identity.

        An identity that its only track just enrolled needs no more to be somebody known than the
        track itself would have needed: now it has shown more of the person.
        """
        owners = [match.identity_id for match in matches]
        present = set(owners) - {0}
        self._merger.note_apart(present, candidates, owners, self._similarity_min)
        for row, match in enumerate(matches):
            if not match.identity_id or match.enrolled or not good[row]:
                continue
            pair = self._merger.consider(
                match.identity_id, candidates[row], present | elsewhere, self._similarity_min,
                is_new=tracks[row].enrolled_id == match.identity_id)
            if pair is not None:
                self._rename(*pair)
                matches[row] = replace(match, identity_id=pair[0], merged_id=pair[1])

    def _rename(self, kept_id: int, merged_id: int) -> None:
        for tracks in self._cameras.values():
            for track in tracks.values():
                if track.identity_id == merged_id:
                    track.identity_id = kept_id

    def _keep_identities(self, tracks: Sequence[TrackState], features: Features, views: Features,
                         candidates: Sequence[Sequence[Candidate]], good: Sequence[bool],
                         stamp_ns: int) -> dict[int, Candidate]:
        """Return, by row, the identities that tracks keep; take them from all other tracks."""
        claims: dict[int, Candidate] = {}
        for row, track in enumerate(tracks):
            claim = self._claim(track, features.only(row), views.only(row), candidates[row],
                                good[row], stamp_ns)
            if claim is not None:
                claims[row] = claim
        kept: dict[int, Candidate] = {}
        for row, claim in sorted(claims.items(), key=lambda item: -item[1].similarity):
            if claim.identity_id in {candidate.identity_id for candidate in kept.values()}:
                tracks[row].identity_id = 0
            else:
                kept[row] = claim
        return kept

    def _claim(self, track: TrackState, feature: Features, view: Features,
               candidates: Sequence[Candidate], is_good: bool,
               stamp_ns: int) -> Candidate | None:
        """Return the identity a track still has, with the cosine of its pooled feature to it.

        A view that does not look like the identity is not answered by it, and counts against it
        when it is a good one; after `observations_min` of those in a row the track has lost it.
        """
        if track.identity_id not in self._gallery or stamp_ns - track.seen_ns > PAUSE_NS:
            track.identity_id = 0
            return None
        similarity = self._gallery.similarity(track.identity_id, feature)[0]
        agrees = self._gallery.similarity(track.identity_id, view)[0] >= self._agreement_min
        if is_good:
            favours = candidates[0].similarity > max(self._similarity_min,
                                                     similarity + CONTRADICTION_MARGIN)
            agrees = agrees and not favours
            track.contradictions = 0 if agrees else track.contradictions + 1
        if track.contradictions >= self._observations_min:
            track.identity_id = 0
        return Candidate(track.identity_id, similarity) if agrees and track.identity_id else None

    def _conclude(self, track_id: int, track: TrackState, match: Candidate | None,
                  candidates: Sequence[Candidate], feature: Features, is_good: bool,
                  moment: _Moment) -> TrackMatch:
        """Update track and gallery by what one person of the frame turned out to be."""
        track.seen_ns = max(track.seen_ns, moment.stamp_ns)
        if match is not None:
            track.hold(match.identity_id)
            if not track.contradictions:
                self._learn(match, feature, is_good, moment)
            return TrackMatch(track_id, match.identity_id, match.similarity)
        nearest = candidates[0].similarity if candidates else math.nan
        if is_good and self._ready(track, feature, moment.stamp_ns):
            track.hold(self._enrol_track(track, feature, moment.camera))
            track.enrolled_id = track.identity_id
            return TrackMatch(track_id, track.identity_id, nearest, enrolled=True)
        return TrackMatch(track_id, 0, nearest)

    def _learn(self, match: Candidate, feature: Features, is_good: bool,
               moment: _Moment) -> None:
        """Note the observation; keep its feature when it is surely the person and adds a view."""
        learns = is_good and match.similarity >= self._agreement_min
        if learns:
            similarity = (match.similarity if self._pooling == 1 else
                          self._gallery.similarity(match.identity_id, feature)[0])
            learns = self._agreement_min <= similarity < (1 + self._similarity_min) / 2
        self._gallery.observe(match.identity_id, moment.stamp_ns, feature if learns else None,
                              moment.camera)

    def _ready(self, track: TrackState, feature: Features, stamp_ns: int) -> bool:
        """Collect a feature that matched nobody; tell whether they suffice for an identity."""
        if not self._enrol:
            return False
        if track.unknown:
            mean = np.mean([vector[0] for _, vector in track.unknown], axis=0)
            # features that do not agree are of two people, or of nobody in particular
            cosine = float(feature.vectors[0] @ mean / max(np.linalg.norm(mean), 1e-12))
            if cosine < self._agreement_min:
                track.unknown.clear()
        track.unknown.append((stamp_ns, feature.vectors))
        return len(track.unknown) >= self._observations_min

    def _enrol_track(self, track: TrackState, feature: Features, camera: str) -> int:
        stamps, vectors = zip(*track.unknown)
        return self._gallery.enrol(Features(feature.space, np.concatenate(vectors)),
                                   stamps[0], stamps[-1], camera)
