"""The README's table of topics and services is what the nodes really offer."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import Process

NAMESPACE = '/readme'
"""A namespace of its own: the graph may still know nodes of other tests by their names."""

README = Path(__file__).parents[2] / 'README.md'
OTHER_TRANSPORT = 'image_raw/compressed'
"""What the protector subscribes to instead, by input.transport."""

OF_EVERY_NODE = re.compile(r'/(rosout|parameter_events|clock)$|transition_event$')
NODES = {
    'protector': {'protection.method': 'solid'},
    'reidentifier': {},
    'video_camera': {'compressed': True, 'subscribers_min': 3},
}
"""Nodes and parameters: what offers every topic, and keeps the camera from ending."""


def documented(node: str) -> dict[str, dict[str, str]]:
    """Return the README's rows of a node: {'pub'|'sub'|'srv': {name: type column}}."""
    table = README.read_text(encoding='utf-8').split('## Topics')[1].split('\n## ')[0]
    rows: dict[str, dict[str, str]] = {'pub': {}, 'sub': {}, 'srv': {}}
    current = ''
    for line in table.splitlines():
        cells = [cell.strip() for cell in line.strip('|').split('|')]
        if len(cells) != 5 or cells[0] in ('node', '---'):
            continue
        current = cells[0] or current
        if current == node:
            kind = cells[1].split()[0]
            rows[kind].update({name: cells[2] for name in re.findall(r'`([^`]+)`', cells[1])})
    return rows


@pytest.fixture(params=NODES)
def offered(request, tmp_path, graph):
    """Start a node as a process; return its name and what the graph says of it.

    The second is in the form of `documented`, as soon as the node offers as much as documented.
    """
    parameters = [word for name, value in NODES[request.param].items()
                  for word in ('-p', f'{name}:={value}')]
    process = Process(request.param, tmp_path, ['-r', f'__ns:={NAMESPACE}', *parameters])
    wanted, real = documented(request.param), {}

    def is_complete() -> bool:
        assert process.popen.poll() is None, process.log
        real.update(of_graph(graph.node, request.param))
        return covers(real, wanted)

    graph.wait_for(is_complete, f'topics of {request.param}')
    yield request.param, real
    assert process.interrupt() == 0, process.log


def of_graph(probe, node: str) -> dict[str, dict[str, str]]:
    """Return the names and types of a node's topics and services, less those every node has."""
    if (node, NAMESPACE) not in probe.get_node_names_and_namespaces():
        return {}
    found = {'pub': probe.get_publisher_names_and_types_by_node(node, NAMESPACE),
             'sub': probe.get_subscriber_names_and_types_by_node(node, NAMESPACE),
             'srv': probe.get_service_names_and_types_by_node(node, NAMESPACE)}
    return {kind: {topic: types[0].rsplit('/', 1)[-1] for topic, types in topics
                   if not OF_EVERY_NODE.search(topic)} for kind, topics in found.items()}


def resolved(name: str, node: str) -> str:
    """Return the full name of a documented topic or service."""
    if name.startswith('/'):
        return name
    return f'{NAMESPACE}/{name}'.replace('~', node)


def covers(real, wanted) -> bool:
    """Return whether as many topics are there as documented; the names are the tests' business."""
    subscribed = wanted['sub'].keys() - {OTHER_TRANSPORT}
    return bool(real) and all(
        len(real[kind]) >= len(subscribed if kind == 'sub' else wanted[kind]) for kind in wanted)


def test_topics_and_services_of_the_readme_are_those_of_the_node(offered):
    node, real = offered
    rows = documented(node)
    names = {kind: {resolved(name, node) for name in rows[kind]} for kind in rows}
    names['sub'].discard(f'{NAMESPACE}/{OTHER_TRANSPORT}')
    assert names['pub'] == set(real['pub'])
    assert names['sub'] == set(real['sub'])
    own = re.compile(r'_identit(y|ies)$|/(erase_all|save)$')
    assert names['srv'] == {topic for topic in real['srv'] if own.search(topic)}


def test_types_of_the_readme_are_those_of_the_node(offered):
    node, real = offered
    for kind, rows in documented(node).items():
        for name, types in rows.items():
            real_type = real[kind].get(resolved(name, node))
            assert real_type is None or types == '`sensor_msgs`' or real_type in types, name
