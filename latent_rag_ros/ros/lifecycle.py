"""A lifecycle node that survives what goes wrong in a transition, and says what it was.

rclpy 7 swallows exceptions of transitions without a log line, and ends the process when somebody
requests a transition that the current state does not have. Here the first becomes a logged failure
and the second is answered with `success: false`.
"""
from __future__ import annotations

import traceback
from collections.abc import Callable

import rclpy
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.timer import Timer

from latent_rag_ros.parameters import Parameter, ParameterError, Value
from latent_rag_ros.ros import process
from latent_rag_ros.ros.parameters import declare_rows, read
from latent_rag_ros.ros.weakening import refuse_weakening

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE
ERROR = TransitionCallbackReturn.ERROR


class SafeLifecycleNode(LifecycleNode):
    """Base of the lifecycle nodes. Subclasses fill in `configure` to `cleanup`.

    Each of them may raise. An error in `configure` or `activate` leaves the state as it was; one
    in `deactivate` or `cleanup` leads to `unconfigured`, with everything released.

    Parameters
    ----------
    name : str
        Name of the node.
    table : tuple of Parameter
        Its parameters. They can be changed while the node is unconfigured, but not to values that
        protect people less than at the start, and `configure` gets their checked values. With
        `autostart` among them and true, the node configures and activates itself as soon as it
        spins.
    **options
        Further arguments of `rclpy.node.Node`.

    Attributes
    ----------
    last_failure : str
        What went wrong since the last request to configure; empty when nothing did.
    """

    expected_errors: tuple[type[Exception], ...] = (ParameterError,)
    """Errors whose message tells the user everything: they are logged without a traceback."""

    def __init__(self, name: str, table: tuple[Parameter, ...], **options: object) -> None:
        super().__init__(name, **options)
        self._table, self.last_failure = table, ''
        self._answer_valid_transition = self._service_change_state.callback
        self._service_change_state.callback = self._answer_transition
        refuse_weakening(self, table)
        declare_rows(self, table, self._why_locked)
        self._autostart_timer = None
        if self.has_parameter('autostart') and self.get_parameter('autostart').value is not False:
            self._autostart_timer = self.create_steady_timer(0.0, self._start)

    def configure(self, values: dict[str, Value]) -> None:
        """Load everything that the checked parameter values ask for; publish nothing."""

    def activate(self) -> None:
        """Begin the work."""

    def deactivate(self) -> None:
        """End the work: when this returns, nothing is published any more."""

    def cleanup(self) -> None:
        """Free everything. Called in every state, also after a part of `configure`."""

    @property
    def state_label(self) -> str:
        """Name of the lifecycle state, such as `unconfigured`."""
        return self._state_machine.current_state[1]

    def create_steady_timer(self, period_s: float, callback: Callable[[], None]) -> Timer:
        """Return a timer that runs on the monotonic clock, whatever `use_sim_time` says."""
        return self.create_timer(period_s, callback,
                                 clock=Clock(clock_type=ClockType.STEADY_TIME))

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters and configure; on an error stay unconfigured."""
        self.last_failure = ''
        if (self._succeeds('configure', lambda: self.configure(read(self, self._table)))
                and super().on_configure(state) == SUCCESS):
            return SUCCESS
        self._succeeds('clean up', self.cleanup)
        return FAILURE

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable the publishers and activate; on an error stay inactive."""
        super().on_activate(state)
        if self._succeeds('activate', self.activate):
            return SUCCESS
        return FAILURE if self.on_deactivate(state) == SUCCESS else ERROR

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate and disable the publishers; an error leads to `on_error`."""
        succeeded = self._succeeds('deactivate', self.deactivate)
        super().on_deactivate(state)
        return SUCCESS if succeeded else ERROR

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; an error leads to `on_error`."""
        return SUCCESS if self._succeeds('clean up', self.cleanup) else ERROR

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """End the work and free everything."""
        return self._released(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, so that the node can be configured again."""
        self._released(state)
        return SUCCESS

    def release(self) -> None:
        """End the work and free everything before the process ends, without a transition."""
        self._released(LifecycleState(self.state_label, 0))

    def _released(self, state: LifecycleState) -> TransitionCallbackReturn:
        deactivated = self._succeeds('deactivate', self.deactivate)
        super().on_deactivate(state)
        return SUCCESS if self._succeeds('clean up', self.cleanup) and deactivated else ERROR

    def _succeeds(self, what: str, action: Callable[[], None]) -> bool:
        """Run one step of a transition; log what it raises and return whether it went well."""
        try:
            action()
        except self.expected_errors as error:
            self.last_failure = f'cannot {what}: {error}'
            self.get_logger().error(self.last_failure)
            return False
        except Exception as error:  # rclpy would swallow it without a word
            self.last_failure = f'cannot {what}: {type(error).__name__}: {error}'
            self.get_logger().error(f'{self.last_failure}\n{traceback.format_exc()}')
            return False
        return True

    def _start(self) -> None:
        """Configure and activate once; the node stays alive when it cannot."""
        self.destroy_timer(self._autostart_timer)
        if self.state_label == 'unconfigured' and self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    def _why_locked(self) -> str:
        if self.state_label == 'unconfigured':
            return ''
        return (f'the node is {self.state_label}; deactivate it, clean it up, change the '
                'parameter and configure it again')

    def _answer_transition(self, request: ChangeState.Request,
                           response: ChangeState.Response) -> ChangeState.Response:
        """Answer a request of `~/change_state`, the impossible ones with `success: false`."""
        available = {row[0]: row[1] for row in self._state_machine.available_transitions}
        wanted = request.transition
        if wanted.label in available.values() or (not wanted.label and wanted.id in available):
            return self._answer_valid_transition(request, response)
        self.get_logger().warning(
            f'transition {wanted.label or wanted.id} refused: {self.state_label} has '
            f'{", ".join(available.values()) or "none"}')
        response.success = False
        return response


def run(node_class: Callable[[], SafeLifecycleNode], args: list[str] | None = None) -> int:
    """Spin a lifecycle node until the process is asked to end; return the exit status.

    Ctrl-C and SIGTERM are the ordinary ends, so both give 0.
    """
    process.start(args)
    node = None
    try:
        node = node_class()
        process.spin(node)
    finally:
        process.ignore_signals()
        if node is not None:
            node.release()
        rclpy.try_shutdown()
    return 0
