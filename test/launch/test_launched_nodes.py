"""The nodes of the demo launch file as real processes, started as the file describes them."""
from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from ament_index_python.packages import get_package_prefix
from sensor_msgs.msg import Image

from latent_rag_ros.msg import IdentityMatchArray, ProtectionStatus

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 30.0
IMAGES = 5


def command(node: dict) -> list[str]:
    """Return the command line of a described node, as launch_ros puts it together."""
    folder = Path(get_package_prefix(node['package'])) / 'lib' / node['package']
    values = [f'{name}:={str(value).lower() if isinstance(value, bool) else repr(value)}'
              for name, value in node['parameters'].items()]
    options = {'-r': [f'__node:={node["name"]}', f'__ns:=/{node["namespace"]}', *(
        f'{old}:={new}' for old, new in node['remappings'].items())],
        '--params-file': node['parameter_files'], '-p': values}
    return [str(folder / node['executable']), *node['arguments'], '--ros-args',
            *node['ros_arguments'],
            *(part for option, texts in options.items() for text in texts
              for part in (option, text))]


def interrupt_until_ended(processes: list[subprocess.Popen]) -> None:
    """Send SIGINT again and again, as a terminal and launch together do after Ctrl-C."""
    end = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < end and any(process.poll() is None for process in processes):
        for process in processes:
            process.send_signal(signal.SIGINT)
        time.sleep(0.05)


@pytest.fixture(scope='module')
def processes(described: Callable[..., list[dict]]) -> Iterator[dict[str, subprocess.Popen]]:
    """Start the demo's nodes; end them whatever happens."""
    started = {node['name']: subprocess.Popen(command(node), env=node['environment'])
               for node in described('demo.launch.py')}
    yield started
    for process in started.values():
        process.kill()
        process.wait()


def test_demo_protects_and_matches_and_ends_cleanly(
        processes: dict[str, subprocess.Popen]) -> None:
    rclpy.init()
    probe = rclpy.create_node('launch_probe')
    images, matches, statuses = [], [], []
    for message_type, topic, messages in (
            (Image, 'protected/image', images), (IdentityMatchArray, 'identity_matches', matches),
            (ProtectionStatus, 'protection_status', statuses)):
        probe.create_subscription(message_type, f'/camera/{topic}', messages.append, 10)
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and not (
            len(images) >= IMAGES and matches and statuses and statuses[-1].persons_protected):
        assert all(process.poll() is None for process in processes.values())
        rclpy.spin_once(probe, timeout_sec=0.2)
    probe.destroy_node()
    rclpy.shutdown()

    assert len(images) >= IMAGES
    assert matches
    assert statuses[-1].persons_protected > 0
    interrupt_until_ended(list(processes.values()))
    assert {name: process.returncode for name, process in processes.items()} == {
        name: 0 for name in processes}
