"""What was done to the heads of an evidence image as a message."""
from __future__ import annotations

import array

from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from latent_rag_ros.msg import EvidenceArray
from latent_rag_ros.msg import EvidenceFace as FaceMessage
from latent_rag_ros.protection.evidence import EvidenceFace, EvidenceModel
from latent_rag_ros.protection.types import ProtectedFrame


def evidence_array(frame: ProtectedFrame, header: Header, model: EvidenceModel | None,
                   with_measurements: bool) -> EvidenceArray:
    """Return one entry per head of a frame; none for a blanked one.

    Parameters
    ----------
    frame : ProtectedFrame
        With an evidence image, or blanked.
    header : Header
        Of the camera frame.
    model : EvidenceModel or None
        What made the evidence image; None while nothing can make one.
    with_measurements : bool
        Whether numbers that tell something of the persons go out as well.
    """
    message = EvidenceArray(header=header, schema_version=EvidenceArray.SCHEMA_VERSION,
                            blanked=frame.evidence is None)
    if model is not None:
        message.model_id, message.generator_steps = model.model_id, model.steps
        message.oracles = list(model.oracles)
        message.thresholds = array.array('f', model.thresholds)
        message.sampler_leak_bits = model.leak_bits
        message.sampler_leak_worst_bits = model.leak_worst_bits
    if frame.evidence is not None:
        message.redraws = frame.evidence.redraws
        message.faces = [_face(face, with_measurements) for face in frame.evidence.faces]
    return message


def _face(face: EvidenceFace, with_measurements: bool) -> FaceMessage:
    box = face.box
    message = FaceMessage(
        track_id=face.track_id, fill=int(face.fill), reason=int(face.reason),
        face_score=float(face.score),
        roi=RegionOfInterest(x_offset=box.left, y_offset=box.top, height=box.height_px,
                             width=box.width_px))
    if with_measurements:
        message.cosines = array.array('f', face.cosines)
        message.margins = array.array('f', face.margins)
        message.steps, message.tries = face.steps, face.tries
    return message
