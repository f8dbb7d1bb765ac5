"""Configure, activate, deactivate, clean up: what is published when, and what stops a start."""
from __future__ import annotations

import math
import shutil
import threading
from pathlib import Path

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.nodes import protector_node
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY

from .conftest import Graph
from .protector_bench import PERSON, Bench, KnownPersons, ProtectorBench, header_of, message_of

UNCONFIGURED, INACTIVE = ProtectionStatus.STATE_UNCONFIGURED, ProtectionStatus.STATE_INACTIVE
PROTECTING, BLANKING = ProtectionStatus.STATE_PROTECTING, ProtectionStatus.STATE_BLANKING
CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEANUP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP


def change(graph: Graph, *transitions: int) -> list[bool]:
    """Request transitions over the service and return the answers."""
    return [ask(graph, ChangeState, 'protector/change_state', ChangeState.Request(
        transition=Transition(id=transition))).success for transition in transitions]


def set_parameter(graph: Graph, name: str, value: object = None) -> str:
    """Set or delete a parameter over the service; return why it was refused, else nothing."""
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    result = ask(graph, SetParameters, 'protector/set_parameters', request).results[0]
    return '' if result.successful else result.reason


def ask(graph: Graph, kind: type, service: str, request: object) -> object:
    """Call a service of the protector and return its response."""
    answer = graph.connected_client(kind, service).call_async(request)
    graph.wait_for(answer.done, f'answer of {service}')
    return answer.result()


def wait_for_failure(protector: ProtectorBench, word: str) -> None:
    """Wait until the status tells why the configuration failed."""
    protector.wait_for(lambda: word in protector.status.message, f'failure with {word}')
    assert protector.status.state == UNCONFIGURED
    assert 'cannot configure' in protector.status.message


def test_states_follow_the_lifecycle(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON), autostart=False)
    protector.wait_for_state(UNCONFIGURED)
    for transition, state in ((CONFIGURE, INACTIVE), (ACTIVATE, BLANKING), (DEACTIVATE, INACTIVE),
                              (CLEANUP, UNCONFIGURED)):
        assert change(graph, transition) == [True]
        protector.wait_for_state(state)
    reasons = {status.reason for status in protector.statuses if status.state != BLANKING}
    assert reasons == {ProtectionStatus.REASON_NOT_ACTIVE}


def test_nothing_is_published_while_inactive(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON))
    protector.protect(message_of(1))
    assert change(graph, DEACTIVATE) == [True]
    protector.wait_for_state(INACTIVE)
    camera = graph.node.create_publisher(Image, 'image_raw', 5)
    before = len(protector.statuses)
    for number in range(2, 6):
        camera.publish(message_of(number))
    protector.wait_for(lambda: len(protector.statuses) >= before + 2, 'two reports')
    assert [image.header for image in protector.images] == [header_of(1)]
    assert protector.status.frames_received == 1
    assert change(graph, ACTIVATE) == [True]
    graph.wait_for(camera.get_subscription_count, 'subscription')
    protector.protect(message_of(7))
    assert protector.images[-1].header == header_of(7)


def test_frame_in_work_is_discarded_by_deactivation(bench: Bench, graph: Graph) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector)
    detector.gate = threading.Semaphore(0)
    protector.send(message_of(1))
    assert detector.begun.acquire(timeout=60)
    protector.send(message_of(2))
    protector.wait_for(lambda: protector.status.frames_received == 2, 'reception')
    answer = graph.connected_client(ChangeState, 'protector/change_state').call_async(
        ChangeState.Request(transition=Transition(id=DEACTIVATE)))
    graph.wait_for(lambda: not protector.node.count_subscribers('image_raw'), 'unsubscription')
    detector.gate.release()
    graph.wait_for(answer.done, 'answer')
    protector.wait_for_state(INACTIVE)
    assert answer.result().success and protector.images == []
    status = protector.status
    assert (status.frames_received, status.frames_dropped, status.frames_pending) == (2, 2, 0)
    detector.gate = None
    assert change(graph, ACTIVATE) == [True]
    protector.protect(message_of(3))
    assert [image.header for image in protector.images] == [header_of(3)]


def test_hung_frame_is_never_published_and_the_node_starts_anew(
        bench: Bench, graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protector_node, 'STOP_TIMEOUT_S', 0.1)
    detector = KnownPersons(PERSON)
    protector = bench(detector)
    detector.gate = threading.Semaphore(0)
    protector.send(message_of(1))
    assert detector.begun.acquire(timeout=60)
    assert change(graph, DEACTIVATE) == [False]
    protector.wait_for_state(UNCONFIGURED)
    hung, detector.gate = detector.gate, None
    assert change(graph, CONFIGURE, ACTIVATE) == [True, True]
    hung.release()
    protector.protect(message_of(2))
    assert [image.header for image in protector.images] == [header_of(2)]
    assert protector.status.frames_received == protector.status.frames_protected == 1


def test_counters_begin_again_with_a_configuration(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON))
    protector.protect(message_of(1))
    assert change(graph, DEACTIVATE, CLEANUP, CONFIGURE, ACTIVATE) == [True] * 4
    protector.wait_for(lambda: protector.status.state == BLANKING, 'activation')
    assert protector.status.frames_received == 0


def test_repeated_start_and_stop_leaves_no_threads(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON), autostart=False)
    assert change(graph, CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP) == [True] * 4
    publishers, threads = len(list(protector.node.publishers)), threading.active_count()
    for _ in range(10):
        assert change(graph, CONFIGURE, ACTIVATE, DEACTIVATE, CLEANUP) == [True] * 4
    assert len(list(protector.node.publishers)) == publishers
    assert threading.active_count() == threads


@pytest.mark.parametrize('transition', [ACTIVATE, DEACTIVATE, CLEANUP, 200])
def test_impossible_transition_is_answered(
        bench: Bench, graph: Graph, transition: int) -> None:
    bench(KnownPersons(PERSON), autostart=False)
    assert change(graph, transition) == [False]
    assert change(graph, CONFIGURE, ACTIVATE) == [True, True]


@pytest.mark.parametrize(('name', 'bad', 'good'), [
    ('mask.score_min', 2.0, 0.2), ('mask.score_min', math.nan, 0.2),
    ('guard.deadline_s', 'soon', 1), ('protection.method', 'blur', 'solid'),
    ('tracker.memory_frames', 1.5, 20), ('mask.enabled', 'yes', True),
    ('detector.scoremin', 0.5, None), ('device', 'cuda:99', 'cpu'),
    ('autostart', 'true', True)])
def test_bad_parameter_refuses_configuration_until_it_is_corrected(
        bench: Bench, graph: Graph, name: str, bad: object, good: object) -> None:
    parameters = {'protection__method': 'solid', 'identity__publish': False}
    parameters[name.replace('.', '__')] = bad
    protector = bench(**parameters)
    wait_for_failure(protector, name)
    assert change(graph, CONFIGURE) == [False]
    assert set_parameter(graph, name, good) == ''
    assert change(graph, CONFIGURE, ACTIVATE) == [True, True]


def test_parameters_are_locked_while_configured(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON))
    protector.wait_for_state(BLANKING)
    reason = set_parameter(graph, 'mask.score_min', 0.9)
    assert 'mask.score_min' in reason and 'active' in reason
    assert change(graph, DEACTIVATE, CLEANUP) == [True, True]
    assert 'out of range' in set_parameter(graph, 'mask.score_min', 9.0)
    assert 'guard.allow_weakening' in set_parameter(graph, 'mask.score_min', 0.9)
    assert set_parameter(graph, 'mask.score_min', 0.2) == ''


@pytest.mark.parametrize('damage', ['missing', 'truncated', 'altered'])
def test_damaged_weights_refuse_configuration_until_they_are_replaced(
        bench: Bench, graph: Graph, tmp_path: Path, damage: str) -> None:
    weights = tmp_path / 'weights'
    shutil.copytree(WEIGHTS_DIRECTORY, weights, ignore=shutil.ignore_patterns('__pycache__'))
    victim = weights / 'nanodet_g.onnx.xz'
    whole = victim.read_bytes()
    if damage == 'missing':
        victim.unlink()
    else:
        flipped = whole[:1000] + bytes([whole[1000] ^ 255]) + whole[1001:]
        victim.write_bytes(whole[:len(whole) // 2] if damage == 'truncated' else flipped)
    protector = bench(weights__directory=str(weights), protection__method='solid',
                      identity__publish=False, guard__deadline_s=60.0)
    wait_for_failure(protector, 'nanodet_g')
    assert change(graph, CONFIGURE) == [False]
    victim.write_bytes(whole)
    assert change(graph, CONFIGURE, ACTIVATE) == [True, True]
    protector.protect(message_of(1))
    assert protector.status.state == PROTECTING
