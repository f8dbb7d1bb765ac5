"""Transitions that fail, transitions that do not exist, and what is left of the node."""
from __future__ import annotations

from collections.abc import Callable

import pytest
import rclpy
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.parameter import Parameter as RosParameter

from latent_rag_ros.parameters import AUTOSTART, Parameter, Value
from latent_rag_ros.ros.lifecycle import FAILURE, SUCCESS, SafeLifecycleNode

TIMEOUT_S = 30.0
TABLE = (AUTOSTART, Parameter('gain', 1.0, 'Gain of the probe.', 0.0, 2.0))


class Probe(SafeLifecycleNode):
    """Notes its steps and fails in those it is told to."""

    def __init__(self, **overrides: object) -> None:
        self.steps: list[str] = []
        self.failing: set[str] = set()
        self.values: dict[str, Value] = {}
        super().__init__('probe', TABLE, parameter_overrides=[
            RosParameter(name, value=value) for name, value in overrides.items()])

    def configure(self, values: dict[str, Value]) -> None:
        """Remember the values."""
        self.values = values
        self._step('configure')

    def activate(self) -> None:
        """Do nothing more."""
        self._step('activate')

    def deactivate(self) -> None:
        """Do nothing more."""
        self._step('deactivate')

    def cleanup(self) -> None:
        """Do nothing more."""
        self._step('cleanup')

    def _step(self, name: str) -> None:
        self.steps.append(name)
        if name in self.failing:
            raise RuntimeError(f'{name} broke')


NewProbe = Callable[..., Probe]


@pytest.fixture
def new_probe(ros: None, destroyed: Callable) -> NewProbe:
    """Return what makes a probe that ends with the test."""
    return lambda **overrides: destroyed(Probe(**overrides))


@pytest.fixture
def request_transition(ros: None, destroyed: Callable) -> Callable[..., bool]:
    """Return what requests a transition over the service and returns its answer."""
    asking = destroyed(rclpy.create_node('asking'))
    client = asking.create_client(ChangeState, 'probe/change_state')

    def request(node: SafeLifecycleNode, transition: int = 0, label: str = '') -> bool:
        assert client.wait_for_service(TIMEOUT_S)
        executor = rclpy.executors.SingleThreadedExecutor()
        executor.add_node(asking)
        executor.add_node(node)
        answer = client.call_async(ChangeState.Request(
            transition=Transition(id=transition, label=label)))
        executor.spin_until_future_complete(answer, TIMEOUT_S)
        executor.shutdown()
        assert answer.done(), 'the service did not answer'
        return answer.result().success

    return request


def test_every_step_is_called_in_order(new_probe: NewProbe) -> None:
    node = new_probe(autostart=False)
    for trigger in (node.trigger_configure, node.trigger_activate, node.trigger_deactivate,
                    node.trigger_cleanup):
        assert trigger() == SUCCESS
    assert node.steps == ['configure', 'activate', 'deactivate', 'cleanup']
    assert node.state_label == 'unconfigured'


def test_node_starts_itself_with_autostart(new_probe: NewProbe) -> None:
    node = new_probe()
    rclpy.spin_once(node, timeout_sec=TIMEOUT_S)
    assert node.state_label == 'active'


def test_node_waits_without_autostart(new_probe: NewProbe) -> None:
    node = new_probe(autostart=False)
    rclpy.spin_once(node, timeout_sec=0.2)
    assert (node.state_label, node.steps) == ('unconfigured', [])


@pytest.mark.parametrize(('failing', 'state', 'steps'), [
    ('configure', 'unconfigured', ['configure', 'cleanup']),
    ('activate', 'inactive', ['configure', 'activate', 'deactivate'])])
def test_failing_start_is_a_failure_and_can_be_repeated(
        new_probe: NewProbe, failing: str, state: str, steps: list[str],
        capfd: pytest.CaptureFixture) -> None:
    node = new_probe()
    node.failing = {failing}
    rclpy.spin_once(node, timeout_sec=TIMEOUT_S)
    assert (node.state_label, node.steps) == (state, steps)
    assert f'RuntimeError: {failing} broke' in node.last_failure
    assert node.last_failure in capfd.readouterr().err
    node.failing = set()
    if state == 'unconfigured':
        assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS


@pytest.mark.parametrize('failing', ['deactivate', 'cleanup'])
def test_failing_end_releases_everything(new_probe: NewProbe, failing: str) -> None:
    node = new_probe(autostart=False)
    assert node.trigger_configure() == node.trigger_activate() == SUCCESS
    node.failing = {failing}
    node.trigger_deactivate()
    if failing == 'cleanup':
        node.trigger_cleanup()
    assert node.state_label == 'unconfigured'
    assert node.steps[-1] == 'cleanup'
    node.failing = set()
    assert node.trigger_configure() == SUCCESS


def test_shutdown_of_an_active_node_ends_the_work_first(new_probe: NewProbe) -> None:
    node = new_probe(autostart=False)
    node.trigger_configure()
    node.trigger_activate()
    assert node.trigger_shutdown() == SUCCESS
    assert (node.state_label, node.steps[-2:]) == ('finalized', ['deactivate', 'cleanup'])


@pytest.mark.parametrize('request_of', [
    {'transition': Transition.TRANSITION_DEACTIVATE},
    {'transition': Transition.TRANSITION_CLEANUP},
    {'transition': Transition.TRANSITION_CREATE}, {'transition': 255},
    {'transition': Transition.TRANSITION_CALLBACK_SUCCESS}, {'label': 'activate'},
    {'label': 'no such transition'}], ids=str)
def test_transition_that_the_state_does_not_have_is_answered(
        new_probe: NewProbe, request_transition: Callable[..., bool], request_of: dict) -> None:
    node = new_probe(autostart=False)
    assert request_transition(node, **request_of) is False
    assert (node.state_label, node.steps) == ('unconfigured', [])
    assert request_transition(node, Transition.TRANSITION_CONFIGURE) is True
    assert request_transition(node, label='activate') is True


def test_failing_transition_is_answered(
        new_probe: NewProbe, request_transition: Callable[..., bool]) -> None:
    node = new_probe(autostart=False)
    node.failing = {'configure'}
    assert request_transition(node, Transition.TRANSITION_CONFIGURE) is False
    node.failing = set()
    assert request_transition(node, Transition.TRANSITION_CONFIGURE) is True


@pytest.mark.parametrize('bad', [{'gain': 5.0}, {'gian': 1.0}, {'autostart': 'soon'}], ids=str)
def test_bad_parameter_refuses_configuration_and_the_node_lives(
        new_probe: NewProbe, bad: dict) -> None:
    node = new_probe(**bad)
    rclpy.spin_once(node, timeout_sec=TIMEOUT_S)
    name = next(iter(bad))
    assert node.state_label == 'unconfigured' and name in node.last_failure
    assert node.trigger_configure() == FAILURE


def test_parameters_change_only_while_unconfigured(new_probe: NewProbe) -> None:
    node = new_probe(gain=5.0)
    rclpy.spin_once(node, timeout_sec=TIMEOUT_S)
    assert node.set_parameters([RosParameter('gain', value=2.0)])[0].successful
    assert node.trigger_configure() == SUCCESS and node.values['gain'] == 2.0
    for trigger in (None, node.trigger_activate):
        assert trigger is None or trigger() == SUCCESS
        refused = node.set_parameters([RosParameter('gain', value=1.0)])[0]
        assert not refused.successful and node.state_label in refused.reason
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert node.set_parameters([RosParameter('gain', value=1.0)])[0].successful
