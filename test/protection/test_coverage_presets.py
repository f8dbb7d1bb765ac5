"""Presets of `protection.coverage` set their levers; a lever that is given wins."""
from __future__ import annotations

import pytest

from latent_rag_ros.coverage_presets import COVERAGE_PRESETS, DEFAULT, PRESET
from latent_rag_ros.parameters import PROTECTOR, ParameterError, checked_values

LEVERS = [row for row in PROTECTOR if row.by_preset]


@pytest.mark.parametrize('preset', COVERAGE_PRESETS)
def test_preset_sets_every_lever_to_a_value_that_may_be_given(preset: str) -> None:
    values = checked_values(PROTECTOR, {'protection.coverage': preset})
    assert {row.name for row in LEVERS} == set(COVERAGE_PRESETS[preset])
    for row in LEVERS:
        assert values[row.name] == COVERAGE_PRESETS[preset][row.name] != row.default
        assert row.checked(values[row.name]) == values[row.name]


def test_safe_is_the_default() -> None:
    assert DEFAULT == 'safe'
    assert checked_values(PROTECTOR, {}) == checked_values(
        PROTECTOR, {'protection.coverage': 'safe'})


def test_given_lever_wins_over_the_preset() -> None:
    values = checked_values(PROTECTOR, {'protection.coverage': 'strict', 'detector.tiles': 0})
    assert values['detector.tiles'] == 0
    assert values['detector.score_min'] == COVERAGE_PRESETS['strict']['detector.score_min']


def test_values_stay_when_they_are_checked_again() -> None:
    once = checked_values(PROTECTOR, {'protection.coverage': 'strict'})
    assert checked_values(PROTECTOR, once) == once


@pytest.mark.parametrize('value', [-0.5, 0.0, 2.0])
def test_value_that_is_neither_preset_nor_in_range_is_refused(value: float) -> None:
    with pytest.raises(ParameterError, match='detector.score_min'):
        checked_values(PROTECTOR, {'detector.score_min': value})


def test_every_preset_covers_at_least_as_much_as_the_one_before() -> None:
    names = list(COVERAGE_PRESETS)
    for weaker, stronger in zip(names, names[1:]):
        for row in LEVERS:
            before, after = (COVERAGE_PRESETS[name][row.name] for name in (weaker, stronger))
            assert not row.weakens(before, after), row.name


def test_description_names_the_values_of_all_presets() -> None:
    row = next(row for row in LEVERS if row.name == 'detector.score_min')
    assert 'fast 0.25, safe 0.2, strict 0.15' in row.explanation
    assert str(PRESET) in row.range_text
