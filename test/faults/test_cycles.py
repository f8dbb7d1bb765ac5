"""Configure and clean up, again and again: threads, open files and memory do not grow."""
from __future__ import annotations

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nodes.conftest import Graph, StartNode

from .process_use import Use, slope, use_of

CYCLE = (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE,
         Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)
WARM_UP_CYCLES = 3
GROWTH_MB_MAX = 0.5
"""Memory per cycle in the second half; a network that stayed would be 4 MB or more."""


@pytest.mark.parametrize('cycles', [10, pytest.param(100, marks=pytest.mark.slow)])
def test_cycles_leave_no_thread_no_file_and_no_memory(
        graph: Graph, start_node: StartNode, record_property: pytest.FixtureRequest,
        cycles: int) -> None:
    process = start_node('protector', {
        'autostart': False, 'protection.method': 'solid', 'identity.publish': False})
    client = graph.connected_client(ChangeState, 'protector/change_state')
    uses: list[Use] = []
    for _ in range(WARM_UP_CYCLES + cycles):
        for transition in CYCLE:
            answer = client.call_async(ChangeState.Request(transition=Transition(id=transition)))
            graph.wait_for(answer.done, 'answer')
            assert answer.result().success, process.log
        uses.append(use_of(process.popen.pid))
    kept = uses[WARM_UP_CYCLES:]
    assert {use.threads for use in kept} == {kept[0].threads}
    assert {use.files for use in kept} == {kept[0].files}
    second_half = [use.rss_mb for use in kept[cycles // 2:]]
    growth_mb = slope(list(range(len(second_half))), second_half)
    record_property('rss_growth_mb_per_cycle', round(growth_mb, 4))
    record_property('rss_mb', [round(use.rss_mb, 1) for use in kept])
    assert growth_mb < GROWTH_MB_MAX or cycles < 100
