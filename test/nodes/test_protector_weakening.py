"""Values that protect people less than those at the start are refused, unless that allows it."""
from __future__ import annotations

import pytest
from rclpy.parameter import Parameter as RosParameter

from latent_rag_ros.parameters import PROTECTOR, Parameter, Value, checked_values

from .conftest import Graph
from .protector_bench import Bench, KnownPersons, ProtectorBench
from .test_protector_lifecycle import set_parameter

START = checked_values(PROTECTOR, {})
SAFETY = [row for row in PROTECTOR if row.weakened_by]


def extreme(row: Parameter, weak: bool) -> Value:
    """Return the value of a row that protects least, or most."""
    high = (row.weakened_by == 'raising') == weak
    if isinstance(row.default, bool):
        return high
    if row.choices:
        choices = [choice for choice in row.choices if not row.by_preset or choice != row.default]
        return choices[-1 if high else 0]
    return type(row.default)(row.maximum if high else row.minimum)


def refusal(protector: ProtectorBench, **changes: Value) -> str:
    """Set parameters of an unconfigured node, all or none; return why that was refused."""
    result = protector.node.set_parameters_atomically([
        RosParameter(name.replace('__', '.'), value=value) for name, value in changes.items()])
    return '' if result.successful else result.reason


def value_of(protector: ProtectorBench, name: str) -> Value:
    """Return the value that the node has."""
    return protector.node.get_parameter(name).value


def test_every_part_of_the_protection_has_a_direction() -> None:
    assert {row.name for row in SAFETY} >= {
        'detector.score_min', 'mask.enabled', 'tracker.memory_s', 'protection.method',
        'protection.margin', 'protection.psnr_db_max', 'guard.deadline_s', 'guard.blank_policy',
        'guard.fault_frames_max', 'identity.publish'}
    assert all(row.weakened_by in ('raising', 'lowering') for row in SAFETY)
    assert all('weakens protection' in row.explanation for row in SAFETY)


def test_every_weaker_value_is_refused_and_every_stronger_one_taken(bench: Bench) -> None:
    protector = bench(KnownPersons(), autostart=False)
    for row in SAFETY:
        weak, strong = extreme(row, weak=True), extreme(row, weak=False)
        if weak != START[row.name]:
            reason = refusal(protector, **{row.name: weak})
            assert row.name in reason and 'guard.allow_weakening' in reason, row.name
            assert value_of(protector, row.name) == row.default
        assert refusal(protector, **{row.name: strong}) == ''
        assert value_of(protector, row.name) == strong
        assert refusal(protector, **{row.name: row.default}) == '', 'back to the start is no loss'


def test_the_value_at_the_start_counts_not_the_default(bench: Bench) -> None:
    protector = bench(KnownPersons(), autostart=False, protection__margin=0.3,
                      detector__score_min=0.6)
    assert 'protection.margin' in refusal(protector, protection__margin=0.2)
    assert refusal(protector, detector__score_min=0.55) == ''


def test_weaker_value_refuses_all_changes_that_come_with_it(bench: Bench) -> None:
    protector = bench(KnownPersons(), autostart=False)
    before = value_of(protector, 'protection.margin')
    reason = refusal(protector, protection__margin=0.4, detector__score_min=0.9)
    assert 'detector.score_min' in reason
    assert value_of(protector, 'protection.margin') == before


def test_allowance_is_given_at_the_start_only(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(), autostart=False)
    assert set_parameter(graph, 'guard.allow_weakening', True)
    assert value_of(protector, 'guard.allow_weakening') is False
    assert 'protects people less' in set_parameter(graph, 'protection.margin', 0.0)


def test_allowance_lets_every_value_through(bench: Bench) -> None:
    protector = bench(KnownPersons(), autostart=False, guard__allow_weakening=True)
    for row in SAFETY:
        assert refusal(protector, **{row.name: extreme(row, weak=True)}) == '', row.name


@pytest.mark.parametrize(('name', 'value'), [
    ('guard.deadline_s', float('nan')), ('tracker.memory_frames', 20.5), ('mask.enabled', 1)])
def test_bad_value_is_refused_for_what_is_bad_about_it(
        bench: Bench, name: str, value: Value) -> None:
    protector = bench(KnownPersons(), autostart=False)
    reason = refusal(protector, **{name: value})
    assert name in reason and 'protects people less' not in reason


def test_unknown_name_is_refused(bench: Bench, graph: Graph) -> None:
    bench(KnownPersons(), autostart=False)
    assert 'undeclared' in set_parameter(graph, 'protection.blur', 1.0)  # the words are rclpy's


def test_integer_is_taken_for_a_number_and_judged_like_one(bench: Bench) -> None:
    protector = bench(KnownPersons(), autostart=False)
    assert refusal(protector, guard__deadline_s=1) == ''
    assert 'protects people less' in refusal(protector, guard__deadline_s=3)
