"""Declares the rows of a parameter table on a node and reads them back, checked.

rclpy ignores a misspelt override, ends the process for one of the wrong type, and refuses an
integer for a double. Here every override is kept as it was given, shown by `ros2 param`, and
judged by the table when it is read, so that a node can refuse to start with a speaking reason.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable

from rcl_interfaces.msg import (
    FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult)
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from latent_rag_ros.parameters import Parameter, ParameterError, Value, checked_values

INFRASTRUCTURE = ('use_sim_time', 'start_type_description_service', 'qos_overrides')
"""Parameters (and one group) that rclpy itself declares on every node."""


def declare(node: Node, table: tuple[Parameter, ...]) -> dict[str, Value]:
    """Declare a table on a node that reads its parameters once, and return their values.

    Raises `ParameterError` for an override that is unknown, has the wrong type, is NaN, or is out
    of range. An integer is accepted for a float. Later changes are refused.
    """
    declare_rows(node, table, lambda: f'it is fixed while {node.get_name()} runs; '
                                      'start the node again with another value')
    return read(node, table)


def declare_rows(node: Node, table: tuple[Parameter, ...], locked: Callable[[], str]) -> None:
    """Declare every row of a table, and every unknown override, without judging the values.

    Parameters
    ----------
    node : Node
        Node that owns the parameters.
    table : tuple of Parameter
        Rows with description and range.
    locked : Callable
        Says why a parameter cannot be changed now; an empty string allows the change.
    """
    overrides = {name: given.value for name, given in node._parameter_overrides.items()}
    for row in table:
        value = overrides.pop(row.name, row.default)
        node.declare_parameter(row.name, value, _descriptor(row, value), ignore_override=True)
    for name, value in overrides.items():
        if not _is_infrastructure(name) and not node.has_parameter(name):
            node.declare_parameter(name, value, ParameterDescriptor(
                description='Unknown to this node: delete it, or correct its name.',
                dynamic_typing=True), ignore_override=True)
    node.add_on_set_parameters_callback(
        lambda changes: _judged(changes, table, locked()))


def read(node: Node, table: tuple[Parameter, ...]) -> dict[str, Value]:
    """Return the value of every row of a declared table.

    Raises `ParameterError` for a value that the table refuses, and for an unknown parameter.
    """
    given = {name: parameter.value for name, parameter in node.get_parameters_by_prefix('').items()
             if not _is_infrastructure(name)}
    try:
        return checked_values(table, given)
    except ParameterError as error:
        raise ParameterError(f'{node.get_fully_qualified_name()}: {error}') from error


def _is_infrastructure(name: str) -> bool:
    return name.split('.')[0] in INFRASTRUCTURE


def _descriptor(row: Parameter, value: object) -> ParameterDescriptor:
    """Describe a row.

    The range is left out for an override it would refuse at once, and where the default lies
    outside, because it stands for a preset.
    """
    descriptor = ParameterDescriptor(
        description=row.explanation, additional_constraints=row.range_text,
        read_only=row.read_only, dynamic_typing=True)
    try:
        row.checked(value)
    except ParameterError:
        return descriptor
    if row.minimum is not None and row.maximum is not None and not row.by_preset:
        if isinstance(row.default, int):
            descriptor.integer_range = [IntegerRange(
                from_value=int(row.minimum), to_value=int(row.maximum))]
        else:
            descriptor.floating_point_range = [FloatingPointRange(
                from_value=float(row.minimum), to_value=float(row.maximum))]
    return descriptor


def _judged(changes: Iterable[RosParameter], table: tuple[Parameter, ...],
            reason: str) -> SetParametersResult:
    """Accept or refuse changes, all or none."""
    rows = {row.name: row for row in table}
    for change in changes:
        row, deletes = rows.get(change.name), change.type_ == RosParameter.Type.NOT_SET
        if _is_infrastructure(change.name) or (row is None and deletes):
            continue
        if row is not None and reason:
            return _refusal(f'{change.name} cannot be changed: {reason}')
        if row is None or deletes:
            return _refusal(f'{change.name} cannot be {"deleted" if deletes else "set"}: it is '
                            f'{"a" if deletes else "not a"} parameter of this node')
        try:
            row.checked(change.value)
        except ParameterError as error:
            return _refusal(str(error))
    return SetParametersResult(successful=True)


def _refusal(reason: str) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=reason)
