"""The audit over a real graph: foreign subscribers of the raw camera are found, others are not."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.ros.raw_camera_audit import audit, base_topic, is_raw_of
from latent_rag_ros.tools import audit as command
from latent_rag_ros.tools.command_line import main

TIMEOUT_S = 60.0
DISCOVERY_S = 3.0

SPY = '''
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import {kind}
rclpy.init()
node = Node('spy', namespace='/cloud')
node.create_subscription({kind}, '{topic}', lambda _: None, 3)
print('listening', flush=True)
rclpy.spin(node)
'''


@pytest.fixture
def graph() -> Iterator[Node]:
    """Return a node in a context of its own, which stands for camera and protector."""
    context = Context()
    rclpy.init(context=context)
    node = Node('front_filter', context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    ended = threading.Event()

    def spin() -> None:
        while not ended.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = threading.Thread(target=spin)
    thread.start()
    yield node
    ended.set()
    thread.join(TIMEOUT_S)
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown(context=context)


@pytest.fixture
def protector(graph: Node) -> Node:
    """Return a node that publishes and subscribes what a protector does, the image remapped."""
    graph.create_publisher(ProtectionStatus, 'protection_status', 1)
    graph.create_publisher(Image, 'protected/image', 1)
    graph.create_publisher(Image, '/driver/colour', 1)
    graph.create_publisher(CompressedImage, '/driver/colour/compressed', 1)
    graph.create_subscription(Image, '/driver/colour', lambda _: None, 1)
    return graph


@pytest.fixture
def start_spy(tmp_path: Path) -> Iterator:
    """Return what starts a foreign process that subscribes a topic."""
    started = []

    def start(kind: str, topic: str) -> None:
        started.append(subprocess.Popen(
            [sys.executable, '-c', SPY.format(kind=kind, topic=topic)], cwd=tmp_path,
            stdout=subprocess.PIPE, text=True))
        assert started[-1].stdout.readline() == 'listening\n'

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)


@pytest.mark.parametrize(('topic', 'base'), [
    ('/cam/image_raw', '/cam/image_raw'),
    ('/cam/image_raw/compressed', '/cam/image_raw'),
    ('/cam/image_raw/theora', '/cam/image_raw'),
    ('/cam/image_raw/image_raw', '/cam/image_raw/image_raw'),
    ('/protected/image/compressed', '/protected/image/compressed')])
def test_base_topic_is_the_image_a_transport_carries(topic: str, base: str) -> None:
    assert base_topic(topic) == base


def test_names_that_only_begin_alike_are_not_raw() -> None:
    assert is_raw_of('/cam/image_raw/zstd', ['/cam/image_raw'])
    assert not is_raw_of('/cam/image_raw_protected', ['/cam/image_raw'])


def test_protector_alone_is_closed(protector: Node) -> None:
    found = audit(DISCOVERY_S)
    assert found.protectors == ('/front_filter',)
    assert '/driver/colour' in found.raw_topics
    assert '/protected/image' not in found.raw_topics
    assert not [row for row in found.foreign_subscribers if row.topic.startswith('/driver')]


@pytest.mark.parametrize(('kind', 'topic'), [
    ('Image', '/driver/colour'), ('CompressedImage', '/driver/colour/compressed')])
def test_foreign_process_is_found_on_the_remapped_topic(
        protector: Node, start_spy, kind: str, topic: str) -> None:
    start_spy(kind, topic)
    spies = [row for row in audit(DISCOVERY_S).foreign_subscribers if row.node == '/cloud/spy']
    assert [(row.topic, row.type, row.reliability) for row in spies] == [
        (topic, f'sensor_msgs/msg/{kind}', 'reliable')]


def test_foreign_process_is_found_where_no_protector_runs(graph: Node, start_spy) -> None:
    start_spy('Image', '/rear/image_raw')
    spies = [row for row in audit(DISCOVERY_S).foreign_subscribers if row.node == '/cloud/spy']
    assert [row.topic for row in spies] == ['/rear/image_raw']


def test_command_ends_with_status_1_and_names_the_spy(protector: Node, start_spy, capsys) -> None:
    start_spy('Image', '/driver/colour')
    assert main(['audit', '--json', '--discovery', str(DISCOVERY_S)]) == command.OPEN
    rows = json.loads(capsys.readouterr().out)['foreign_subscribers']
    assert '/cloud/spy' in [row['node'] for row in rows]
    assert main(['audit', '--discovery', str(DISCOVERY_S)]) == command.OPEN
    text = capsys.readouterr().out
    assert '/cloud/spy subscribes /driver/colour' in text
    assert 'How to close it' in text


def test_command_ends_with_status_3_when_no_camera_is_there(tmp_path: Path) -> None:
    # on a domain of its own: other tests may run cameras at the same time
    result = subprocess.run(
        [sys.executable, '-m', 'latent_rag_ros.tools.command_line', 'audit', '--discovery', '1'],
        env={**os.environ, 'ROS_DOMAIN_ID': '83'}, cwd=tmp_path,
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert result.returncode == command.NOTHING_SEEN, result.stderr
    assert 'No raw camera topic' in result.stdout
