"""Refuses changes of parameters at run time that would protect people less.

Who may set parameters on a running robot is not always who answers for the privacy of the people
around it. The values in the parameter file and the launch file are the agreed ones; from there on
protection can be raised, and lowered again to them, but not further.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from latent_rag_ros.parameters import Parameter, ParameterError, Value, checked_values

ALLOWANCE = 'guard.allow_weakening'
"""Parameter that, given at start, allows every change."""


COVERAGE = 'protection.coverage'
"""A lever that goes back to its preset is judged by the preset at the start: a weaker preset is
refused by itself, and a stronger one cannot weaken."""


def refuse_weakening(node: Node, table: tuple[Parameter, ...]) -> None:
    """Have a node refuse changes that protect less than the values at its start.

    Call it before the rows are declared, so that the reasons of `declare_rows` come first. A row
    whose value at the start is bad counts from its default.
    """
    given = {row.name: _start_value(node, row) for row in table}
    start = checked_values(table, given)
    if start.get(ALLOWANCE) is not True:
        node.add_on_set_parameters_callback(lambda changes: _judged(changes, table, start))


def _start_value(node: Node, row: Parameter) -> Value:
    override = node._parameter_overrides.get(row.name)
    try:
        return row.default if override is None else row.checked(override.value)
    except ParameterError:
        return row.default


def _judged(changes: Iterable[RosParameter], table: tuple[Parameter, ...],
            start: Mapping[str, Value]) -> SetParametersResult:
    """Accept or refuse changes, all or none."""
    rows = {row.name: row for row in table}
    for change in changes:
        try:
            row = rows[change.name]
            after = row.resolved(row.checked(change.value), start.get(COVERAGE))
            weakens = row.weakens(start[row.name], after)
        except (KeyError, ParameterError):  # refused elsewhere, with a better reason
            continue
        if weakens:
            return SetParametersResult(successful=False, reason=(
                f'{row.name} = {change.value!r} protects people less than '
                f'{start[row.name]!r}, its value at the start of the node; to allow it, set '
                f'{ALLOWANCE}: true in the parameter file or launch file and start again'))
    return SetParametersResult(successful=True)
