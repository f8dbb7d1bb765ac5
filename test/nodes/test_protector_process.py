"""The protector as it is run: a process with the real networks, ended by signals."""
from __future__ import annotations

import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import Image

from latent_rag_ros.evaluation.frames import LabelledFrame, shipped_clip
from latent_rag_ros.msg import IdentityFeatureArray, ProtectionStatus
from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.ros.images import to_rgb
from latent_rag_ros.ros.qos import PROTECTED_IMAGE, STATUS

from .conftest import TIMEOUT_S, Graph, StartNode
from .protector_bench import message_of

FIRST_FRAME, FRAMES = 20, 6
FAST = {'protection.method': 'solid', 'identity.publish': False, 'guard.deadline_s': 60.0}


@pytest.fixture(scope='module')
def clip() -> list[LabelledFrame]:
    """Frames of the shipped clip, with two or three synthetic people in each."""
    return list(islice(shipped_clip(), FIRST_FRAME, FIRST_FRAME + FRAMES))


class Camera:
    """Shows images to a protector process, one at a time, and collects its answers."""

    def __init__(self, graph: Graph) -> None:
        """Connect to the protector, both ways."""
        self._graph = graph
        self.images = graph.collect(Image, 'protected/image', PROTECTED_IMAGE)
        self.identities = graph.collect(IdentityFeatureArray, 'identities')
        self.statuses = graph.collect(ProtectionStatus, 'protection_status', STATUS)
        graph.wait_for(lambda: self.statuses and self.statuses[-1].state
                       == ProtectionStatus.STATE_BLANKING, 'active protector')
        self._publisher = graph.publisher(Image, 'image_raw')

    def show(self, number: int, image: ImageArray) -> Image:
        """Send an image until it is answered, and return the answer."""
        message = message_of(number, image=image)
        self._publisher.publish(message)
        self._graph.wait_for(lambda: self.statuses[-1].header == message.header, 'status')
        self._graph.wait_for(lambda: self.images and self.images[-1].header == message.header,
                             'protected image')
        return self.images[-1]


def test_people_of_the_clip_are_replaced_and_recognised(
        graph: Graph, start_node: StartNode, clip: list) -> None:
    start_node('protector', {'guard.deadline_s': 60.0})
    camera = Camera(graph)
    same = [(to_rgb(camera.show(number, frame.image)) == frame.image).all(axis=2)
            for number, frame in enumerate(clip)]
    survived = [pixels[frame.labels > 0] for pixels, frame in zip(same, clip)]
    status = camera.statuses[-1]
    assert (status.frames_protected, status.frames_received) == (FRAMES, FRAMES)
    assert status.method == 'latent_rag' and status.device
    assert status.persons_protected >= 2 * FRAMES
    assert {'detect', 'embed', 'refine', 'verify', 'total'} <= set(status.latency_stages)
    assert np.concatenate(survived).mean() < 0.05
    graph.wait_for(lambda: len(camera.identities) == FRAMES, 'identities')
    for number, (array, image) in enumerate(zip(camera.identities, camera.images)):
        assert array.header == image.header and array.model_id.startswith('embedder-')
        features = [person.feature for person in array.identities if len(person.feature)]
        if number and not features:
            continue  # nobody was due to be measured, or the detector was not asked in this frame
        assert features and {len(feature) for feature in features} == {array.feature_dimension}
        assert np.linalg.norm(features, axis=1) == pytest.approx(1, abs=1e-3)
    published = sum(bool(len(person.feature)) for array in camera.identities
                    for person in array.identities)
    assert status.identities_published == published > 0


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM], ids=['SIGINT', 'SIGTERM'])
def test_signal_ends_the_working_node_with_status_0(
        graph: Graph, start_node: StartNode, clip: list, number: int) -> None:
    process = start_node('protector', FAST)
    camera = Camera(graph)
    camera.show(1, clip[0].image)
    camera._publisher.publish(message_of(2, image=clip[1].image))  # the signal meets it in work
    process.popen.send_signal(number)
    assert process.exit_code() == 0, process.log
    assert 'Traceback' not in process.log


def test_node_that_refused_its_configuration_lives_until_it_is_ended(
        graph: Graph, start_node: StartNode) -> None:
    process = start_node('protector', {'detector.scoremin': 0.5})
    statuses = graph.collect(ProtectionStatus, 'protection_status', STATUS)
    graph.wait_for(lambda: statuses and statuses[-1].message, 'refusal')
    assert 'detector.scoremin' in statuses[-1].message
    assert 'detector.scoremin is not a parameter' in process.log
    assert process.popen.poll() is None
    assert process.interrupt() == 0


def test_module_runs_as_a_program(graph: Graph, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, '-m', 'latent_rag_ros.nodes.protector_node', '--ros-args',
         '-p', 'autostart:=false', '-r', '__ns:=/front'], cwd=tmp_path)
    try:
        statuses = graph.collect(ProtectionStatus, '/front/protection_status', STATUS)
        graph.wait_for(lambda: statuses, 'status in the namespace')
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    finally:
        process.kill()
    assert statuses[0].state == ProtectionStatus.STATE_UNCONFIGURED
