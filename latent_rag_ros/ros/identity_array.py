"""The identity features of a protected frame as a message."""
from __future__ import annotations

import array
import os
from pathlib import Path

from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from latent_rag_ros.identity.feature_key import FeatureKey, FeatureKeyError, load_or_create_key
from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray
from latent_rag_ros.parameters import ParameterError
from latent_rag_ros.protection.types import ProtectedFrame, ProtectedPerson


NO_KEY = 'none'


def feature_key(key_file: str) -> FeatureKey | None:
    """Return the key that `identity.key_file` names, made when there is none yet.

    Raises `ParameterError` when the file cannot be used.
    """
    if key_file == NO_KEY:
        return None
    home = Path(os.environ.get('ROS_HOME') or Path.home() / '.ros')
    path = Path(key_file).expanduser() if key_file else home / 'latent_rag_ros' / 'feature.key'
    try:
        return load_or_create_key(path)
    except (FeatureKeyError, OSError) as error:
        raise ParameterError(f'identity.key_file: {error}; or set it to {NO_KEY} to publish '
                             'features as they are') from error


def identity_array(frame: ProtectedFrame, header: Header, model_id: str, feature_dimension: int,
                   key: FeatureKey | None = None) -> IdentityFeatureArray:
    """Return one entry per person of the frame; a person without a feature has an empty one.

    With a key every feature is rotated by it: what leaves the filter is never the plain feature.
    """
    return IdentityFeatureArray(
        header=header, schema_version=IdentityFeatureArray.SCHEMA_VERSION, model_id=model_id,
        key_id='' if key is None else key.key_id, feature_dimension=feature_dimension,
        identities=[_identity(person, key) for person in frame.persons])


def _identity(person: ProtectedPerson, key: FeatureKey | None) -> IdentityFeature:
    box = person.box
    message = IdentityFeature(
        track_id=person.track_id, score=float(person.score), missed_frames=person.missed_frames,
        fill=int(person.fill), cosine=float(person.cosine),
        roi=RegionOfInterest(x_offset=box.left, y_offset=box.top, height=box.height_px,
                             width=box.width_px))
    if person.feature is not None:
        feature = person.feature.astype('float32')
        if key is not None:
            feature = key.transform(feature)
        message.feature = array.array('f', feature.tobytes())
    return message
