"""Nodes as real processes, and one test node that talks to them over DDS."""
from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from rclpy.client import Client
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile

from .protector_bench import Bench, KnownPersons, ProtectorBench

TIMEOUT_S = 60.0  # generous: these machines are slow, and a test that passes never waits for it
RELIABLE = QoSProfile(depth=50)


class Graph:
    """The test's own node: collects messages, calls services, waits for conditions."""

    def __init__(self) -> None:
        """Create the node; `rclpy` must be initialised."""
        self.node = Node('test')

    def collect(self, kind: type, topic: str, qos: QoSProfile = RELIABLE) -> list:
        """Return a list that grows by every message of `topic`."""
        messages: list = []
        self.node.create_subscription(kind, topic, messages.append, qos)
        return messages

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Spin until `condition` holds; fail when it does not within `TIMEOUT_S`."""
        end_s = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < end_s, f'no {what} within {TIMEOUT_S:g} s'
            rclpy.spin_once(self.node, timeout_sec=0.05)

    def publisher(self, kind: type, topic: str, qos: QoSProfile = RELIABLE) -> Publisher:
        """Return a publisher that a subscriber is already listening to."""
        publisher = self.node.create_publisher(kind, topic, qos)
        self.wait_for(publisher.get_subscription_count, f'subscriber of {topic}')
        return publisher

    def client(self, kind: type, name: str) -> Client:
        """Return a client of a service that is there."""
        client = self.node.create_client(kind, name)
        self.wait_for(client.service_is_ready, f'service {name}')
        return client

    def call(self, kind: type, name: str, request: object | None = None) -> object:
        """Call a service and return its response."""
        answer = self.client(kind, name).call_async(request or kind.Request())
        self.wait_for(answer.done, f'answer of {name}')
        return answer.result()


class Process:
    """One running node and its log."""

    def __init__(self, name: str, folder: Path, arguments: list[str]) -> None:
        """Start `latent_rag_ros.nodes.<name>_node` with ROS arguments, logging into `folder`."""
        code = f'import sys; from latent_rag_ros.nodes.{name}_node import main; sys.exit(main())'
        self._log = folder / f'{name}.log'
        with self._log.open('w') as log:
            # the folder hides a checkout that lacks the generated messages
            self.popen = subprocess.Popen(
                [sys.executable, '-c', code, '--ros-args', *arguments],
                cwd=folder, stdout=log, stderr=subprocess.STDOUT)

    @property
    def log(self) -> str:
        """What the node has logged so far."""
        return self._log.read_text()

    def exit_code(self) -> int:
        """Wait for the end of the process and return its exit code."""
        return self.popen.wait(TIMEOUT_S)

    def interrupt(self) -> int:
        """End the process as Ctrl-C does and return its exit code."""
        self.popen.send_signal(signal.SIGINT)
        return self.exit_code()


@pytest.fixture
def graph() -> Iterator[Graph]:
    """Return the test's own node."""
    rclpy.init()
    graph = Graph()
    yield graph
    graph.node.destroy_node()
    rclpy.try_shutdown()


StartNode = Callable[..., Process]


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[StartNode]:
    """Return what starts a node by its name, with parameters by keyword as `name=value`."""
    started: list[Process] = []

    def start(name: str, parameters: dict[str, object] | None = None) -> Process:
        arguments = [part for key, value in (parameters or {}).items()
                     for part in ('-p', f'{key}:={str(value) if value != "" else repr(value)}')]
        started.append(Process(name, tmp_path, arguments))
        return started[-1]

    yield start
    for process in started:
        if process.popen.poll() is None:
            process.popen.kill()
            process.popen.wait()


@pytest.fixture
def bench(graph: Graph) -> Iterator[Bench]:
    """Return what starts a protector behind a detector; without one, behind the real networks."""
    started: list[ProtectorBench] = []

    def start(detector: KnownPersons | None = None, **parameters: object) -> ProtectorBench:
        factory = None if detector is None else detector.pipeline
        started.append(ProtectorBench(graph, factory, **parameters))
        return started[-1]

    yield start
    for protector in started:
        protector.close()
