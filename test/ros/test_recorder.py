"""The demo's recorder over real DDS: what it sees, and how it puts frames together."""
from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image, RegionOfInterest
from std_msgs.msg import Header

from latent_rag_ros.msg import (
    IdentityFeature, IdentityFeatureArray, IdentityMatch, IdentityMatchArray, ProtectionStatus)
from latent_rag_ros.ros.images import from_rgb
from latent_rag_ros.ros.recorder import Recorder, running_recorder
from latent_rag_ros.tools.contact_sheet import HIDDEN_LEVEL
from latent_rag_ros.tools.demo_recording import Recording
from latent_rag_ros.tools.video_writer import VideoWriter

TOPICS = {'camera_info': CameraInfo, 'image_raw': Image, 'protected/image': Image,
          'identities': IdentityFeatureArray, 'identity_matches': IdentityMatchArray,
          'protection_status': ProtectionStatus}
TIMEOUT_S = 60.0


class Nodes:
    """Publishes in place of camera, protector and reidentifier."""

    def __init__(self, context: Context) -> None:
        self.node = Node('nodes', context=context)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._publishers = {
            topic: self.node.create_publisher(kind, topic, latched if 'status' in topic else 10)
            for topic, kind in TOPICS.items()}

    def publish(self, topic: str, message: object) -> None:
        """Publish a message on one of `TOPICS`."""
        self._publishers[topic].publish(message)

    def subscribers(self, topic: str) -> int:
        """Return how many subscribers of a topic are connected."""
        return self._publishers[topic].get_subscription_count()


@pytest.fixture
def nodes(second_context: Context, destroyed: Callable) -> Nodes:
    """Give publishers for everything that the recorder may subscribe."""
    nodes = Nodes(second_context)
    destroyed(nodes.node)
    return nodes


def spin_until(recorder: Recorder, condition: Callable[[], object]) -> None:
    """Let the recorder work until a condition holds."""
    end_s = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end_s
        recorder.spin(0.02)


def connect(recorder: Recorder, nodes: Nodes, topics: list[str]) -> None:
    """Wait until the recorder is subscribed to the topics."""
    spin_until(recorder, lambda: all(nodes.subscribers(topic) for topic in topics))


def header(second: int) -> Header:
    """Return the header of a frame."""
    result = Header(frame_id='camera')
    result.stamp.sec = second
    return result


def image(second: int, level: int) -> Image:
    """Return a grey image message."""
    like = Image(header=header(second), height=48, width=64, encoding='bgr8')
    return from_rgb(np.full((48, 64, 3), level, np.uint8), like)


def identities(second: int) -> IdentityFeatureArray:
    """Return the identities of a frame with one person in its left half."""
    person = IdentityFeature(roi=RegionOfInterest(x_offset=0, y_offset=0, width=32, height=48))
    return IdentityFeatureArray(header=header(second), identities=[person])


def test_camera_stays_unseen_unless_raw_may_be_shown(nodes, tmp_path):
    for show_raw, subscribers in ((False, 0), (True, 1)):
        writer = VideoWriter(tmp_path / 'video.mp4', 5.0)
        with running_recorder(Recording(), writer, show_raw) as recorder:
            connect(recorder, nodes, [topic for topic in TOPICS if topic != 'image_raw'])
            if show_raw:
                connect(recorder, nodes, ['image_raw'])
            assert nodes.subscribers('image_raw') == subscribers
        end_s = time.monotonic() + TIMEOUT_S
        while any(map(nodes.subscribers, TOPICS)):
            assert time.monotonic() < end_s
            time.sleep(0.02)


def test_parts_of_a_frame_meet_by_stamp(nodes, tmp_path):
    recording, writer = Recording(), VideoWriter(tmp_path / 'video.mp4', 1.0)
    with running_recorder(recording, writer, show_raw=True) as recorder:
        connect(recorder, nodes, list(TOPICS))
        nodes.publish('identities', identities(3))
        nodes.publish('image_raw', image(2, 20))
        nodes.publish('protected/image', image(3, 130))
        nodes.publish('identities', identities(2))
        nodes.publish('image_raw', image(3, 30))
        spin_until(recorder, recorder.moments.best)
    (met,) = recorder.moments.best()
    assert (met.before == 30).all() and (met.after == 130).all()
    assert met.persons == 1 and met.covered_px == 32 * 48
    assert writer.close() and writer.frames_written == 1


def test_person_is_hidden_where_raw_must_not_be_shown(nodes, tmp_path):
    writer = VideoWriter(tmp_path / 'video.mp4', 1.0)
    with running_recorder(Recording(), writer, show_raw=False) as recorder:
        connect(recorder, nodes, ['protected/image', 'identities'])
        nodes.publish('protected/image', image(1, 130))
        nodes.publish('identities', identities(1))
        spin_until(recorder, recorder.moments.best)
    (met,) = recorder.moments.best()
    half = met.before.shape[1] // 2
    assert (met.before[:, :half - 8] == HIDDEN_LEVEL).all()
    assert (met.before[:, half + 8:] == 130).all()
    writer.discard()


def test_figures_come_from_the_messages(nodes, tmp_path):
    recording, writer = Recording(), VideoWriter(tmp_path / 'video.mp4', 1.0)
    matches = [IdentityMatch(known=True), IdentityMatch(known=True, enrolled=True),
               IdentityMatch()]
    with running_recorder(recording, writer, show_raw=False) as recorder:
        connect(recorder, nodes, [topic for topic in TOPICS if topic != 'image_raw'])
        nodes.publish('camera_info', CameraInfo(header=header(1)))
        nodes.publish('identity_matches',
                      IdentityMatchArray(matches=matches, gallery_identities=4))
        nodes.publish('protection_status', ProtectionStatus(
            header=header(1), state=ProtectionStatus.STATE_DEGRADED, method='latent_rag',
            device='cpu', frames_received=3, frames_protected=1, frames_pending=2,
            latency_stages=['detect'], latency_ms=[12.5]))
        spin_until(recorder, lambda: recording.messages == 3)
    status = recording.status
    assert status.active and status.state == 'degraded' and not status.accounted
    assert recording.camera_stamps_ns == {1_000_000_000}
    assert (recording.identities_matched, recording.gallery_identities) == (1, 4)
    assert recording.latencies_ms == {'detect': [12.5]}
