"""Pictures of faces through camera and protector, both as they are run, with the real networks.

Needs what is not shipped: the folder of scripts/convert_face_networks.py with thresholds.json, and
a folder of pictures of people who stand for nobody. LATENT_RAG_FACE_WEIGHTS names the folder of
`latent-rag train faces`; without it faces are drawn by random weights, as safe and not as nice.
"""
from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import Image

from latent_rag_ros.identity_decoupling.head_blend import head_core
from latent_rag_ros.msg import EvidenceArray, EvidenceFace, ProtectionStatus
from latent_rag_ros.perception.center_face import WEIGHTS_NAME, CenterFaceDetector
from latent_rag_ros.ros.images import to_rgb
from latent_rag_ros.ros.qos import PROTECTED_IMAGE, STATUS

from .conftest import Graph, StartNode

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import write_random_faces  # noqa: E402

NETWORKS = os.environ.get('LATENT_RAG_FACE_NETWORKS', '')
PICTURES = os.environ.get('LATENT_RAG_FACE_PICTURES', '')
WEIGHTS = os.environ.get('LATENT_RAG_FACE_WEIGHTS', '')

pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    not (NETWORKS and PICTURES),
    reason='LATENT_RAG_FACE_NETWORKS and LATENT_RAG_FACE_PICTURES name no folders')]


def by_stamp(messages: list) -> dict[tuple[int, int, str], object]:
    """Return messages by everything that is in their header."""
    return {(message.header.stamp.sec, message.header.stamp.nanosec, message.header.frame_id):
            message for message in messages}


def test_faces_of_a_camera_are_replaced_and_nothing_raw_is_left(
        graph: Graph, start_node: StartNode, tmp_path: Path) -> None:
    weights = WEIGHTS or str(write_random_faces(tmp_path))
    raws = graph.collect(Image, 'image_raw')
    images = graph.collect(Image, 'evidence/image', PROTECTED_IMAGE)
    said = graph.collect(EvidenceArray, 'evidence')
    statuses = graph.collect(ProtectionStatus, 'protection_status', STATUS)
    protector = start_node('protector', {
        'protection.method': 'identity_decoupled', 'evidence.networks': NETWORKS,
        'evidence.weights': weights, 'evidence.person_method': 'solid', 'guard.deadline_s': 60.0,
        'identity.publish': False, 'evidence.publish_measurements': True})
    graph.wait_for(lambda: (statuses and statuses[-1].state == ProtectionStatus.STATE_BLANKING)
                   or protector.popen.poll() is not None, 'active protector')
    camera = start_node('video_camera', {
        'source': PICTURES, 'loop': False, 'rate_hz': 0.5, 'subscribers_min': 2})
    graph.wait_for(lambda: raws, 'first picture')
    graph.wait_for(lambda: by_stamp(said).keys() & by_stamp(raws).keys(), 'evidence')
    while camera.popen.poll() is None:
        before = len(raws)
        graph.wait_for(lambda: len(raws) > before or camera.popen.poll() is not None, 'picture')
    graph.wait_for(lambda: statuses[-1].frames_pending == 0
                   and len(images) == len(said) == statuses[-1].frames_protected, 'last evidence')
    assert statuses[-1].frames_blanked == 0
    check(by_stamp(raws), by_stamp(images), by_stamp(said))


def check(raws: dict, images: dict, said: dict) -> None:
    """Check every evidence image against the picture with the same header."""
    assert images.keys() == said.keys() <= raws.keys()
    detector = CenterFaceDetector(Path(NETWORKS) / WEIGHTS_NAME)
    replaced = 0
    for stamp, message in images.items():
        raw, shown = to_rgb(raws[stamp]), to_rgb(message)
        same, outside = (raw == shown).all(axis=2), np.ones(raw.shape[:2], bool)
        covered = ~outside
        for face in said[stamp].faces:
            left, top = face.roi.x_offset, face.roi.y_offset
            place = np.s_[top:top + face.roi.height, left:left + face.roi.width]
            outside[place] = False
            if face.fill != EvidenceFace.FILL_REPLACED:
                covered[place] = True
            else:
                side = max(face.roi.height, face.roi.width)  # cut off at the top at most
                covered[place] |= head_core(side)[side - face.roi.height:, :face.roi.width]
                replaced += 1
                assert min(face.margins) > 0
        assert same[outside].all()
        for face in detector.detect(raw):
            middle = face.landmarks.round().astype(int)
            assert covered[middle[:, 1], middle[:, 0]].all()
            assert same[face.box.slices].mean() < 0.05
    assert replaced > 0
