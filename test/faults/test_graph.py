"""Cameras and viewers of every quality, late joiners, namespaces, remapping, several instances."""
from __future__ import annotations

import threading

import pytest
from nodes.conftest import Graph
from nodes.protector_bench import Bench, header_of
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.nodes.protector_node import ProtectorNode
from latent_rag_ros.ros.images import to_rgb
from latent_rag_ros.ros.qos import PROTECTED_IMAGE, STATUS

from .marked import BLANKING, MarkedPersons, assert_recovered, marked, shot

QUALITIES = (ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT)

@pytest.mark.parametrize('viewer', QUALITIES, ids=lambda quality: f'viewer {quality.name}')
@pytest.mark.parametrize('camera', QUALITIES, ids=lambda quality: f'camera {quality.name}')
def test_frames_reach_the_viewer_whatever_the_qualities(
        bench: Bench, graph: Graph, camera: ReliabilityPolicy,
        viewer: ReliabilityPolicy) -> None:
    protector = bench(MarkedPersons())
    seen = graph.collect(Image, 'protected/image', QoSProfile(depth=5, reliability=viewer))
    publisher = graph.node.create_publisher(
        Image, 'image_raw', QoSProfile(depth=5, reliability=camera))
    numbers = iter(range(10_000))

    def delivered() -> bool:  # best effort may lose some: sent until three arrived
        publisher.publish(shot(next(numbers)))
        return len(seen) >= 3

    protector.wait_for(delivered, 'images at the viewer')
    assert not any(marked(to_rgb(image)).any() for image in seen)
    assert_recovered(protector, 20_000)


def test_late_joiner_gets_the_state_while_frames_are_blanked(bench: Bench, graph: Graph) -> None:
    detector = MarkedPersons()
    protector = bench(detector)
    detector.failing = True
    protector.protect(shot(1))
    late = graph.collect(ProtectionStatus, 'protection_status', STATUS)
    protector.wait_for(lambda: late, 'latched status')
    assert (late[0].state, late[0].reason) == (
        BLANKING, ProtectionStatus.REASON_DETECTOR_FAILED)
    assert late[0].header == header_of(1)


class Instance:
    """A protector with ROS arguments of its own, spinning in a thread."""

    def __init__(self, context: Context, arguments: list[str]) -> None:
        self.node = ProtectorNode(MarkedPersons().pipeline, context=context, cli_args=[
            '--ros-args', '-p', 'guard.deadline_s:=60.0', *arguments])
        self._executor, self._ended = SingleThreadedExecutor(context=context), threading.Event()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def _spin(self) -> None:
        while not self._ended.is_set():
            self._executor.spin_once(timeout_sec=0.1)

    def close(self) -> None:
        """End the node and its thread."""
        self._ended.set()
        self._thread.join()
        self._executor.shutdown()
        self.node.release()
        self.node.destroy_node()


def test_two_instances_in_namespaces_and_remapped_keep_to_their_cameras(
        graph: Graph, contexts: tuple[Context, Context]) -> None:
    """One protector as /front, one as /rear whose camera is remapped from /usb/color."""
    arguments = {'front': ['-r', '__ns:=/front'],
                 'rear': ['-r', '__ns:=/rear', '-r', 'image_raw:=/usb/color']}
    topics = {'front': '/front/image_raw', 'rear': '/usb/color'}
    images = {name: graph.collect(Image, f'/{name}/protected/image', PROTECTED_IMAGE)
              for name in topics}
    instances = [Instance(contexts[1], given) for given in arguments.values()]
    try:
        for number, (name, topic) in enumerate(topics.items()):
            camera, message = graph.publisher(Image, topic), shot(number)

            def answered() -> bool:
                camera.publish(message)
                return bool(images[name])

            graph.wait_for(answered, f'image of {name}')
    finally:
        for instance in instances:
            instance.close()
    for number, name in enumerate(topics):
        assert {image.header.frame_id for image in images[name]} == {header_of(number).frame_id}
        assert not any(marked(to_rgb(image)).any() for image in images[name])
