"""Lets the gallery, and a naive one beside it, name the people of a stream of frames."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.gallery_scores import scores
from latent_rag_ros.evaluation.gallery_stream import ObservedFrame
from latent_rag_ros.evaluation.gallery_trials import Trials, pooled_by_visit
from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import Features, FeatureSpace
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.limits import MatchLimit
from latent_rag_ros.gallery.tracks import TrackIdentifier
from latent_rag_ros.parameters import REIDENTIFIER, Value, checked_values

NAIVE_SIMILARITY_MIN = 0.6


def defaults(**changed: Value) -> dict[str, Value]:
    """Return the default parameters of the reidentifier, some of them changed."""
    return checked_values(REIDENTIFIER, {name.replace('__', '.'): value
                                         for name, value in changed.items()})


def gallery_scores(frames: Sequence[ObservedFrame], space: FeatureSpace, limit: MatchLimit,
                   values: dict[str, Value]) -> dict[str, float | int]:
    """Return how well a reidentifier with these parameters names the people.

    Parameters
    ----------
    frames : sequence of ObservedFrame
        In the order of time.
    space : FeatureSpace
        Of their features.
    limit : MatchLimit
        Cosine of a match.
    values : dict
        Parameters of the reidentifier, see `defaults`.
    """
    gallery = Gallery(values['gallery.features_per_identity'], values['gallery.identities_max'])
    identifier = TrackIdentifier(
        gallery, limit, values['gallery.enrol'], values['gallery.observations_min'],
        values['gallery.pooling'], values['gallery.merge'], values['gallery.travel_s_min'],
        limit.agreement)
    trials = Trials(gallery, space, limit, pooled_by_visit(frames, values['gallery.pooling']))
    answers = []
    for frame in frames:
        trials.before(frame)
        matches = [] if not frame.tracks else identifier.identify(
            frame.camera, frame.stamp_ns, frame.tracks, Features(space, frame.features),
            frame.is_good)
        trials.after(frame, matches)
        named = [match.identity_id for match in matches]
        answers.append(named + identifier.remembered(frame.camera, frame.stamp_ns,
                                                     frame.silent_tracks, named))
    return {**scores(frames, answers), **trials.figures(values['gallery.false_accept_rate'])}


def naive_scores(frames: Sequence[ObservedFrame], dimension: int) -> dict[str, float | int]:
    """Return how well a gallery without tracks, limits and quality gate names the people.

    Every feature is its nearest one's identity from a fixed cosine on, else a new identity. A
    person without a feature is whom the track was taken for last.
    """
    naive, last, answers = _Naive(dimension), {}, []
    for frame in frames:
        named = [naive.identity(feature[None]) for feature in frame.features]
        last |= {(frame.camera, track): identity for track, identity in zip(frame.tracks, named)}
        answers.append(named + [last.get((frame.camera, track), 0)
                                for track in frame.silent_tracks])
    return scores(frames, answers)


class _Naive:
    """Nearest neighbour with a fixed limit; learns everything."""

    def __init__(self, dimension: int) -> None:
        self._index, self._enrolled = FeatureIndex(dimension), 0

    def identity(self, feature: NDArray[np.float32]) -> int:
        """Return the identity of a feature (1, dimension), and learn it."""
        cosines, owners = self._index.search(feature, 1)
        if cosines.size and cosines[0, 0] >= NAIVE_SIMILARITY_MIN:
            identity_id = int(owners[0, 0])
        else:
            self._enrolled += 1
            identity_id = self._enrolled
        self._index.add(identity_id, feature)
        return identity_id
