"""What the method is to reach, and whether it does."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TARGETS = {
    'below every training oracle': (0.995, 'min'), 'below every held-out oracle': (0.98, 'min'),
    'Rank-1 relative to chance': (2.0, 'max'), 'head pose [deg]': (5.0, 'max'),
    'gaze [deg]': (None, 'max'), 'landmark NME': (0.06, 'max'), 'expression kept': (0.85, 'min'),
    'pixels outside identical': (1.0, 'min'), 'LCM [ms per face]': (60.0, 'max'),
    'LCM against teacher [points]': (1.0, 'max')}
"""Limit, and on which side of it values have to be; None where no number was asked for."""


def targets(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every target with the worst value over the sets, and whether it is met.

    A value is None where nothing was measured, which meets nothing; `met` is None where no
    number was asked for.
    """
    found = _values(results)
    rows = []
    for name, (limit, side) in TARGETS.items():
        value = found[name]
        rows.append({'name': name, 'target': limit, 'is': side, 'value': value,
                     'met': None if limit is None else _met(value, limit, side)})
    return rows


def _met(value: float | None, limit: float, side: str) -> bool:
    return value is not None and bool(value >= limit if side == 'min' else value <= limit)


def _values(results: Mapping[str, Any]) -> dict[str, float | None]:
    rows = [one['methods'].get(results['setting'], {}) for one in results['sets'].values()]
    rows = [row for row in rows if 'oracles' in row]

    def worst(read: Any, pick: Any) -> float | None:
        """Return the worse of what is read of the sets; None where nothing was measured."""
        values = [value for value in map(read, rows) if value is not None]
        return pick(values) if values else None
    return {
        'below every training oracle': worst(lambda row: min(
            one['below_threshold'] for one in row['oracles'].values() if not one['held_out']),
            min),
        'below every held-out oracle': worst(lambda row: row['held_out']['below_threshold'], min),
        'Rank-1 relative to chance': worst(
            lambda row: row['held_out']['rank1'] / row['held_out']['rank1_chance'], max),
        'head pose [deg]': worst(lambda row: row['attributes'].get('pose_deg'), max),
        'gaze [deg]': worst(lambda row: row['attributes'].get('gaze_deg'), max),
        'landmark NME': worst(lambda row: row['attributes'].get('landmarks_nme'), max),
        'expression kept': worst(lambda row: row['attributes'].get('expression_keep'), min),
        'pixels outside identical': float(results['outside_identical']),
        'LCM [ms per face]': results['ms']['lcm'],
        'LCM against teacher [points]': _distillation(results)}


def _distillation(results: Mapping[str, Any]) -> float | None:
    """Return by how many points at most an oracle's figure differs from the teacher's."""
    points = []
    for one in results['sets'].values():
        teacher = one['methods'].get('teacher', {})
        student = teacher.get('lcm_on_the_same_faces', {})
        if 'oracles' in teacher and 'oracles' in student:
            points += [100 * abs(teacher['oracles'][name]['below_threshold']
                                 - student['oracles'][name]['below_threshold'])
                       for name in teacher['oracles']]
    return max(points) if points else None
