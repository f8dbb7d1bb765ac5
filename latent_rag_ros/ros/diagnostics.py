"""The health of the filter as /diagnostics, for the tools that watch a whole robot."""
from __future__ import annotations

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.states import State, describe
from latent_rag_ros.protection.types import Reason

LEVELS = {State.UNCONFIGURED: DiagnosticStatus.WARN, State.INACTIVE: DiagnosticStatus.WARN,
          State.PROTECTING: DiagnosticStatus.OK, State.DEGRADED: DiagnosticStatus.WARN,
          State.BLANKING: DiagnosticStatus.ERROR}

COUNTERS = ('frames_received', 'frames_protected', 'frames_blanked', 'frames_dropped',
            'frames_pending', 'persons_protected', 'persons_solid', 'identities_published')


def diagnostics(status: ProtectionStatus, name: str, model_id: str,
                stamp: Time) -> DiagnosticArray:
    """Return the status of a filter as diagnostics.

    Parameters
    ----------
    status : ProtectionStatus
        What is published on `protection_status`.
    name : str
        Full name of the node.
    model_id : str
        Embedder in use; may be empty.
    stamp : Time
        The moment of this report.
    """
    state, reason = State(status.state), Reason(status.reason)
    pairs = {counter: str(getattr(status, counter)) for counter in COUNTERS}
    pairs.update(method=status.method, device=status.device, model=model_id)
    pairs.update({f'latency_ms.{stage}': f'{latency_ms:.1f}' for stage, latency_ms
                  in zip(status.latency_stages, status.latency_ms)})
    report = DiagnosticStatus(
        level=LEVELS[state], name=f'{name}: protection', hardware_id=status.device,
        message=describe(state, reason, status.message),
        values=[KeyValue(key=key, value=value) for key, value in pairs.items()])
    array = DiagnosticArray(status=[report])
    array.header.stamp = stamp
    return array
