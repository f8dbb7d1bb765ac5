"""Parameters are judged by the table: nothing misspelt, mistyped or out of range gets through."""
from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import rclpy
from rcl_interfaces.msg import ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter

from latent_rag_ros.parameters import (
    PROTECTOR, TABLES, ParameterError, checked_values)
from latent_rag_ros.ros.parameters import declare, declare_rows, read

NodeWith = Callable[..., Node]


@pytest.fixture
def node_with(ros: None, destroyed: Callable) -> NodeWith:
    """Return what makes a node with overridden parameters; `__` in a name stands for a dot."""
    return lambda **overrides: destroyed(rclpy.create_node('filter', parameter_overrides=[
        Parameter(name.replace('__', '.'), value=value) for name, value in overrides.items()]))


@pytest.mark.parametrize('table', TABLES.values(), ids=TABLES)
def test_defaults_come_back_where_nothing_is_overridden(
        node_with: NodeWith, table: tuple) -> None:
    assert declare(node_with(), table) == checked_values(table, {})


def test_override_comes_back(node_with: NodeWith) -> None:
    values = declare(node_with(mask__score_min=0.6, protection__method='solid'), PROTECTOR)
    assert (values['mask.score_min'], values['protection.method']) == (0.6, 'solid')


def test_integer_is_accepted_for_a_float(node_with: NodeWith) -> None:
    value = declare(node_with(guard__deadline_s=3), PROTECTOR)['guard.deadline_s']
    assert value == 3.0 and isinstance(value, float)


@pytest.mark.parametrize(('name', 'value'), [
    ('mask__score_min', math.nan), ('mask__score_min', math.inf),
    ('mask__score_min', 1.5), ('mask__score_min', '0.5'), ('mask__score_min', True),
    ('mask__score_min', [0.5]), ('tracker__memory_frames', 2.5),
    ('tracker__memory_frames', -2), ('tracker__memory_frames', 10 ** 12),
    ('identity__publish', 1), ('identity__publish', 'yes'), ('autostart', 'false'),
    ('protection__method', 'none'), ('protection__method', 3), ('device', 0)])
def test_bad_value_is_refused_by_name(node_with: NodeWith, name: str, value: object) -> None:
    with pytest.raises(ParameterError) as caught:
        declare(node_with(**{name: value}), PROTECTOR)
    assert name.replace('__', '.') in str(caught.value)
    assert '/filter' in str(caught.value)


@pytest.mark.parametrize('name', ['detector__scoremin', 'thrsh', 'detector'])
def test_unknown_name_is_refused(node_with: NodeWith, name: str) -> None:
    with pytest.raises(ParameterError, match=name.replace('__', r'\.') + ' is not a parameter'):
        declare(node_with(**{name: 0.5}), PROTECTOR)


def test_parameters_of_rclpy_itself_are_allowed(node_with: NodeWith) -> None:
    node = node_with(use_sim_time=True, start_type_description_service=False)
    assert 'use_sim_time' not in declare(node, PROTECTOR)


def test_descriptors_tell_range_and_meaning(node_with: NodeWith) -> None:
    node = node_with()
    declare(node, PROTECTOR)
    score = node.describe_parameter('mask.score_min')
    assert (score.floating_point_range[0].from_value,
            score.floating_point_range[0].to_value) == (0.05, 0.95)
    assert score.type == ParameterType.PARAMETER_DOUBLE
    assert 'belong to the mask' in score.description
    level = node.describe_parameter('protection.fill_level')
    assert (level.integer_range[0].from_value, level.integer_range[0].to_value) == (0, 255)
    assert 'latent_rag, solid' in node.describe_parameter(
        'protection.method').additional_constraints


def test_change_is_refused_with_a_reason_while_the_node_runs(node_with: NodeWith) -> None:
    node = node_with()
    declare(node, PROTECTOR)
    result = node.set_parameters([Parameter('mask.score_min', value=0.9)])[0]
    assert not result.successful
    assert 'mask.score_min' in result.reason and 'start the node again' in result.reason
    assert node.get_parameter('mask.score_min').value == 0.3


def test_bad_override_can_be_corrected(node_with: NodeWith) -> None:
    node = node_with(mask__score_min='high', detector__scoremin=0.5)
    declare_rows(node, PROTECTOR, lambda: '')
    with pytest.raises(ParameterError):
        read(node, PROTECTOR)
    assert node.set_parameters([Parameter('mask.score_min', value=0.5)])[0].successful
    with pytest.raises(ParameterError, match='detector.scoremin'):
        read(node, PROTECTOR)
    assert node.set_parameters([Parameter('detector.scoremin')])[0].successful
    assert read(node, PROTECTOR)['mask.score_min'] == 0.5


@pytest.mark.parametrize(('name', 'value', 'word'), [
    ('mask.score_min', 7.0, 'out of range'), ('mask.score_min', 'high', 'give a float'),
    ('mask.score_min', None, 'cannot be deleted'), ('mask.enabled', 1, 'give a bool'),
    ('protection.method', 'none', 'choose one of')])
def test_bad_change_is_refused_while_changes_are_allowed(
        node_with: NodeWith, name: str, value: object, word: str) -> None:
    node = node_with()
    declare_rows(node, PROTECTOR, lambda: '')
    result = node.set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful and word in result.reason and name in result.reason


def test_change_of_several_is_all_or_none(node_with: NodeWith) -> None:
    node = node_with()
    declare_rows(node, PROTECTOR, lambda: '')
    result = node.set_parameters_atomically([
        Parameter('tracker.overlap_min', value=0.5), Parameter('mask.score_min', value=7.0)])
    assert not result.successful
    assert node.get_parameter('tracker.overlap_min').value == 0.2
