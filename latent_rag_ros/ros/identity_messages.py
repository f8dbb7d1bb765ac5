"""Between the messages of the reidentifier and the values of the gallery."""
from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time

from latent_rag_ros.gallery.features import Features, FeatureSpace, GalleryError
from latent_rag_ros.gallery.identity import Identity
from latent_rag_ros.gallery.quality import shared_areas
from latent_rag_ros.gallery.tracks import TrackMatch
from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray, IdentityMatch

SECOND_NS = 1_000_000_000


def features_of(message: IdentityFeatureArray, persons: Sequence[IdentityFeature]) -> Features:
    """Return the features of some persons of a message, in their order.

    Raises `GalleryError` when a feature is not of the length that the message states, not finite
    or not normalised.
    """
    space = FeatureSpace(message.model_id, message.key_id, message.feature_dimension)
    for person in persons:
        if len(person.feature) != space.dimension:
            raise GalleryError(
                f'the feature of track {person.track_id} has length {len(person.feature)}; '
                f'feature_dimension says {space.dimension}')
    vectors = [np.asarray(person.feature, np.float32) for person in persons]
    return Features(space, np.array(vectors, np.float32).reshape(-1, space.dimension))


def shared_rois(message: IdentityFeatureArray, persons: Sequence[IdentityFeature]) -> list[float]:
    """Return for some persons of a message the share of their region that another's overlaps."""
    shares = shared_areas([(roi.x_offset, roi.y_offset, roi.x_offset + roi.width,
                            roi.y_offset + roi.height)
                           for roi in (person.roi for person in message.identities)])
    by_person = dict(zip(map(id, message.identities), shares))
    return [by_person[id(person)] for person in persons]


def match_message(person: IdentityFeature, match: TrackMatch, confidence: float,
                  before: Identity | None) -> IdentityMatch:
    """Return what the gallery said about one person as a message.

    Parameters
    ----------
    person : IdentityFeature
        The person.
    match : TrackMatch
        Who it is.
    confidence : float
        Calibrated probability of that, 0 .. 1 or NaN.
    before : Identity or None
        What was known of the identity before this frame; None for a new or an unknown one.
    """
    message = IdentityMatch(
        track_id=person.track_id, roi=person.roi, known=bool(match.identity_id),
        identity_id=match.identity_id, similarity=match.similarity, enrolled=match.enrolled,
        confidence=confidence, merged_id=match.merged_id)
    if before is not None:
        _note(message, before)
    return message


def remembered_message(person: IdentityFeature, identity: Identity) -> IdentityMatch:
    """Return that a person who carries no feature in this frame is still who the track was."""
    message = IdentityMatch(
        track_id=person.track_id, roi=person.roi, known=True, identity_id=identity.identity_id,
        similarity=math.nan, confidence=math.nan, remembered=True)
    _note(message, identity)
    return message


def _note(message: IdentityMatch, identity: Identity) -> None:
    message.first_seen = time_message(identity.first_seen_ns)
    message.last_seen = time_message(identity.last_seen_ns)
    message.last_camera = identity.camera


def stamp_ns(stamp: Time) -> int:
    """Return a stamp in nanoseconds."""
    return stamp.sec * SECOND_NS + stamp.nanosec


def time_message(stamp_ns: int) -> Time:
    """Return nanoseconds as a stamp."""
    return Time(sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)
