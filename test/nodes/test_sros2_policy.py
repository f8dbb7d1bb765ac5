"""The SROS 2 policy allows what the real nodes use, and raw pictures only where they are meant."""
from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from .conftest import Process

POLICY = Path(__file__).parents[2] / 'config' / 'sros2' / 'policy.xml'
ACTIONS = {'topics': ('publish', 'subscribe'), 'services': ('reply', 'request')}
NAMESPACE = '/policy'
"""A namespace of its own, because the graph may still know nodes of other tests."""

COMPLETE = {'protector': '/evidence', 'reidentifier': '/identity_matches',
            'video_camera': '/image_raw/compressed'}
"""What a node offers last."""


def profiles(namespace: str = '/') -> dict[str, dict[str, set[str]]]:
    """Return what every node of the policy may do: {node: {action: full names}}."""
    allowed = {}
    for profile in ElementTree.parse(POLICY).getroot().iter('profile'):
        assert profile.get('ns') == '/'
        node = profile.get('node')
        rules = allowed.setdefault(node, {})
        for group in profile:
            for action in ACTIONS[group.tag]:
                assert group.get(action) in ('ALLOW', None)
                if group.get(action):
                    rules.setdefault(action, set()).update(
                        resolved(entry.text, namespace, node) for entry in group)
    return allowed


def resolved(name: str, namespace: str, node: str) -> str:
    """Return the full name of a topic or service of the policy, as SROS 2 resolves it."""
    if name.startswith('/'):
        return name
    return f'{namespace.rstrip("/")}/{name.replace("~", node)}'


def uses(probe, node: str) -> dict[str, set[str]]:
    """Return the topics and services a running node has, by the action of the policy."""
    return {action: {name for name, _ in ask(node, NAMESPACE)} for action, ask in (
        ('publish', probe.get_publisher_names_and_types_by_node),
        ('subscribe', probe.get_subscriber_names_and_types_by_node),
        ('reply', probe.get_service_names_and_types_by_node),
        ('request', probe.get_client_names_and_types_by_node))}


@pytest.mark.parametrize(('node', 'parameters'), [
    ('protector', {'protection.method': 'solid'}),
    ('protector', {'protection.method': 'solid', 'input.transport': 'compressed'}),
    ('reidentifier', {}),
    ('video_camera', {'compressed': True, 'subscribers_min': 3})])
def test_policy_allows_what_a_node_uses_and_no_other_topic(
        node, parameters, tmp_path, graph) -> None:
    words = [word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')]
    process = Process(node, tmp_path, ['-r', f'__ns:={NAMESPACE}', *words])
    found: dict[str, set[str]] = {}

    def is_complete() -> bool:
        assert process.popen.poll() is None, process.log
        if (node, NAMESPACE) in graph.node.get_node_names_and_namespaces():
            found.update(uses(graph.node, node))
        subscribes = node == 'video_camera' or any(
            not name.endswith('/clock') for name in found.get('subscribe', ()))
        return NAMESPACE + COMPLETE[node] in found.get('publish', ()) and subscribes

    graph.wait_for(is_complete, f'topics of {node}')
    assert process.interrupt() == 0, process.log
    allowed = profiles(NAMESPACE)[node]
    for action, names in found.items():
        assert names <= allowed.get(action, set()), action
    own = {name for name in allowed['publish'] if name.startswith(f'{NAMESPACE}/')}
    assert own == {name for name in found['publish'] if name.startswith(f'{NAMESPACE}/')}


def test_only_the_camera_publishes_and_only_the_protector_subscribes_raw() -> None:
    raw = re.compile(r'/image_raw(/|$)|^/?\*')
    allowed = profiles()
    assert {node for node, rules in allowed.items()
            if any(map(raw.search, rules.get('publish', ())))} == {'video_camera'}
    assert {node for node, rules in allowed.items()
            if any(map(raw.search, rules.get('subscribe', ())))} == {'protector'}


def test_policy_has_no_wildcard_and_one_enclave_per_node() -> None:
    text = POLICY.read_text(encoding='utf-8')
    root = ElementTree.parse(POLICY).getroot()
    assert root.get('version') == '0.2.0'
    assert '<!--' not in text[text.index('<policy'):]  # sros2 takes a comment for an enclave
    assert '*' not in text
    paths = [enclave.get('path') for enclave in root.iter('enclave')]
    assert paths == [f'/latent_rag/{node}' for node in profiles()]


def test_protected_pixels_come_from_the_protector_alone() -> None:
    makers = {node for node, rules in profiles().items()
              if any(re.search('/(protected|evidence)(/|$)', name)
                     for name in rules.get('publish', ()))}
    assert makers == {'protector'}


@pytest.mark.skipif(shutil.which('ros2') is None, reason='needs an installed ROS 2')
def test_documented_command_makes_a_keystore(tmp_path) -> None:
    verbs = subprocess.run(['ros2', 'security', '-h'], capture_output=True, check=False)
    if verbs.returncode:
        pytest.skip('sros2 is not part of this ROS 2')
    subprocess.run(['ros2', 'security', 'generate_artifacts', '-k', str(tmp_path / 'keystore'),
                    '-p', str(POLICY)], check=True, timeout=120)
    made = {path.parent.name for path in (tmp_path / 'keystore').rglob('permissions.p7s')}
    assert made == set(profiles())
