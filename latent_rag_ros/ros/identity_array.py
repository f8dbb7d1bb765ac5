"""The identity features of a protected frame as a message."""
from __future__ import annotations

import array

from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from latent_rag_ros.msg import IdentityFeature, IdentityFeatureArray
from latent_rag_ros.protection.types import ProtectedFrame, ProtectedPerson


def identity_array(frame: ProtectedFrame, header: Header, model_id: str,
                   feature_dimension: int) -> IdentityFeatureArray:
    """Return one entry per person of the frame; a person without a feature has an empty one."""
    return IdentityFeatureArray(
        header=header, schema_version=IdentityFeatureArray.SCHEMA_VERSION, model_id=model_id,
        key_id='', feature_dimension=feature_dimension,
        identities=[_identity(person) for person in frame.persons])


def _identity(person: ProtectedPerson) -> IdentityFeature:
    box = person.box
    message = IdentityFeature(
        track_id=person.track_id, score=float(person.score), missed_frames=person.missed_frames,
        fill=int(person.fill), cosine=float(person.cosine),
        roi=RegionOfInterest(x_offset=box.left, y_offset=box.top, height=box.height_px,
                             width=box.width_px))
    if person.feature is not None:
        message.feature = array.array('f', person.feature.astype('float32').tobytes())
    return message
