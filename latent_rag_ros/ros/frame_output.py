"""Everything that is published of one frame: images, overlay, features and evidence."""
from __future__ import annotations

from collections.abc import Mapping

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from latent_rag_ros.msg import EvidenceArray, IdentityFeatureArray
from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.evidence_assembly import METHOD
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.states import describe, state_after
from latent_rag_ros.protection.types import Outcome, ProtectedFrame
from latent_rag_ros.ros.evidence_array import evidence_array
from latent_rag_ros.ros.identity_array import feature_key, identity_array
from latent_rag_ros.ros.publishers import ProtectedPublishers
from latent_rag_ros.ros.qos import IDENTITIES


class FrameOutput:
    """Publishes finished frames; silent unless the node is active.

    Parameters
    ----------
    node : LifecycleNode
        Node that owns the publishers.
    values : Mapping
        Parameters of the protector, checked.

    Attributes
    ----------
    camera_info : CameraInfo or None
        The camera's last calibration, published beside every image.
    """

    def __init__(self, node: LifecycleNode, values: Mapping[str, Value]) -> None:
        self._node, self._values = node, values
        self._key = feature_key(values['identity.key_file'])
        self._images = ProtectedPublishers(node, values)
        self._identities = node.create_lifecycle_publisher(
            IdentityFeatureArray, 'identities', IDENTITIES)
        self._evidence = node.create_lifecycle_publisher(EvidenceArray, 'evidence', IDENTITIES)
        self.camera_info: CameraInfo | None = None

    def publish(self, frame: ProtectedFrame, source: Image | CompressedImage,
                pipeline: ProtectionPipeline | None) -> int:
        """Publish a frame and return how many identity features went out with it.

        Parameters
        ----------
        frame : ProtectedFrame
            What may be published; everything else raises `TypeError`.
        source : Image or CompressedImage
            The raw message. Only header, size and encoding are taken from it.
        pipeline : ProtectionPipeline or None
            Who protected the frame; may be None for a blanked one.
        """
        self._images.publish(frame, source, self.camera_info)
        features = 0
        if frame.outcome == Outcome.PROTECTED and self._values['identity.publish']:
            features = sum(person.feature is not None for person in frame.persons)
            self._identities.publish(identity_array(
                frame, source.header, pipeline.model_id, pipeline.feature_dimension,
                self._key))
        if (self._values['protection.method'] == METHOD
                and self._images.publish_evidence(frame, source)):
            model = None if pipeline is None else pipeline.evidence_model
            self._evidence.publish(evidence_array(
                frame, source.header, model, self._values['evidence.publish_measurements']))
        self._images.publish_overlay(
            frame, source, describe(state_after(frame), frame.reason, frame.message))
        return features

    def close(self) -> None:
        """Destroy the publishers."""
        self._images.close()
        for publisher in (self._identities, self._evidence):
            self._node.destroy_lifecycle_publisher(publisher)
