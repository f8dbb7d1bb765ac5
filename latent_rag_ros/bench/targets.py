"""What the filter is meant to reach, and whether these figures do."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LINEAR = 1.05
"""Growth up to this exponent counts as linear: a straight line that is measured, with noise."""


@dataclass(frozen=True)
class Target:
    """One goal.

    Parameters
    ----------
    name : str
        What is measured, as a reader needs it.
    limit : float
        Least or most that reaches the goal.
    at_least : bool
        Whether more is better.
    unit : str
        Unit behind the number.
    place : tuple of str
        Where the figure is in the results.
    device : str
        `cpu`, `cuda` or empty for both: what kind of results it is a goal for.
    """

    name: str
    limit: float
    at_least: bool
    unit: str
    place: tuple[str, ...]
    device: str = ''

    def reached(self, value: float) -> bool:
        """Return whether a value reaches the goal."""
        return value >= self.limit if self.at_least else value <= self.limit


TARGETS = (
    Target('time per person against the algorithm at its published size, first seen', 1500, True,
           '× less', ('ratio_to_reference',), 'cpu'),
    Target('per person, first seen, five at a time', 10, False, 'ms',
           ('ms_per_person', 'robot'), 'cpu'),
    Target('published at 640x480 with 5 people', 20, True, 'fps',
           ('end_to_end', '640x480', '5', 'fps'), 'cpu'),
    Target('age of the published frame at 640x480 with 5 people, 95th percentile', 100, False,
           'ms', ('end_to_end', '640x480', '5', 'age_ms', 'p95'), 'cpu'),
    Target('the same with `protection.coverage: fast`', 20, True, 'fps',
           ('end_to_end_by_coverage', 'fast', '640x480', '5', 'fps'), 'cpu'),
    Target('its age, 95th percentile', 100, False, 'ms',
           ('end_to_end_by_coverage', 'fast', '640x480', '5', 'age_ms', 'p95'), 'cpu'),
    Target('frame against `deface` at 640x480', 1, True, '× less',
           ('ratios', 'deface_to_frame.fast.640x480'), 'cpu'),
    Target('growth of the age in the long run', 1, False, 'ms a minute',
           ('long_run', 'age_ms_slope_per_minute')),
    Target('growth of the memory in the long run', 0.5, False, 'MB a minute',
           ('long_run', 'rss_mb_slope_per_minute')),
    Target('growth of the cost with people, exponent', LINEAR, False, '',
           ('work', 'people_exponent')),
    Target('growth of the cost with pixels, exponent', LINEAR, False, '',
           ('work', 'pixels_exponent')),
    Target('people replaced, first seen, sustained', 1000, True, 'a second',
           ('people_per_s', 'robot'), 'cuda'),
    Target('camera to output at 640x480 with 5 people without transport, 95th percentile', 8,
           False, 'ms', ('frames', 'fast', '640x480', 'frame_ms', 'p95'), 'cuda'),
)


def figure_at(results: Mapping[str, Any], place: tuple[str, ...]) -> float | None:
    """Return a figure of nested results; None where it was not measured."""
    found: Any = results
    for name in place:
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found if isinstance(found, (int, float)) else None


def reached_targets(results: Mapping[str, Any], device: str) -> list[dict[str, Any]]:
    """Return every target that was measured: name, limit, measured value, and whether reached.

    `device` is the device of the results, such as `cpu` or `cuda:0`.
    """
    kind = device.partition(':')[0]
    rows = []
    for target in TARGETS:
        value = figure_at(results, target.place)
        if value is not None and target.device in ('', kind):
            rows.append({'target': target.name, 'limit': target.limit,
                         'at_least': target.at_least, 'unit': target.unit, 'measured': value,
                         'reached': target.reached(value)})
    return rows
