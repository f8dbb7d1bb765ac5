"""Scatter plots as inline SVG: one dot per method, utility against leak."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

WIDTH_PX, HEIGHT_PX = 640, 400
LEFT_PX, RIGHT_PX, TOP_PX, BOTTOM_PX = 60, 170, 20, 50
TICKS = 5
COLOURS = {'latent_rag': '#0b6e4f', 'baseline': '#b04a00', 'ablation': '#6b7a90'}


@dataclass(frozen=True)
class Dot:
    """One method in a plot: where, what it is called, its group, its 95 % interval upwards."""

    x: float
    y: float
    name: str
    group: str
    y_interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Axes:
    """What a plot shows.

    Parameters
    ----------
    x_label, y_label : str
        Text at the axes.
    x_limits : tuple of float
        Ends of the horizontal axis; the vertical one fits the dots and the line.
    y_line, y_line_label : float, str
        A level to compare with, such as chance, drawn as a dashed line.
    """

    x_label: str
    y_label: str
    x_limits: tuple[float, float]
    y_line: float
    y_line_label: str


def scatter(dots: Sequence[Dot], axes: Axes) -> str:
    """Return the plot as an SVG element; every dot has a title for the mouse and a label."""
    levels = [axes.y_line, *(dot.y for dot in dots)]
    levels += [end for dot in dots for end in dot.y_interval or ()]
    margin = 0.08 * (max(levels) - min(levels)) or 1.0
    low, high = min(levels) - margin, max(levels) + margin

    def at(x: float, y: float) -> tuple[float, float]:
        share = (x - axes.x_limits[0]) / (axes.x_limits[1] - axes.x_limits[0])
        return (LEFT_PX + share * (WIDTH_PX - LEFT_PX - RIGHT_PX),
                TOP_PX + (high - y) / (high - low) * (HEIGHT_PX - TOP_PX - BOTTOM_PX))

    left, bottom = at(axes.x_limits[0], low)
    right, top = at(axes.x_limits[1], high)
    _, line_y = at(0, axes.y_line)
    parts = [_line(left, bottom, right, bottom), _line(left, bottom, left, top),
             _line(left, line_y, right, line_y, ' stroke-dasharray="4 3"'),
             _text(right + 4, line_y + 4, axes.y_line_label, 'start')]
    for value in np.linspace(*axes.x_limits, TICKS):
        parts.append(_text(at(value, low)[0], bottom + 16, f'{value:.0f}', 'middle'))
    for value in np.linspace(low, high, TICKS):
        parts.append(_text(left - 6, at(0, value)[1] + 4, f'{value:.1f}', 'end'))
    for dot in dots:
        parts += _dot(dot, at)
    parts.append(_text((left + right) / 2, HEIGHT_PX - 12, axes.x_label, 'middle'))
    middle = (top + bottom) / 2
    parts.append(f'<text x="14" y="{middle:.0f}" text-anchor="middle" '
                 f'transform="rotate(-90 14 {middle:.0f})">{escape(axes.y_label)}</text>')
    return (f'<svg viewBox="0 0 {WIDTH_PX} {HEIGHT_PX}" role="img" '
            f'aria-label="{escape(axes.y_label)}">{"".join(parts)}</svg>')


def _dot(dot: Dot, at: Callable[[float, float], tuple[float, float]]) -> list[str]:
    x, y = at(dot.x, dot.y)
    colour = COLOURS[dot.group]
    parts = []
    if dot.y_interval is not None:
        ends = [at(dot.x, end)[1] for end in dot.y_interval]
        parts.append(_line(x, ends[0], x, ends[1], f' style="stroke:{colour};opacity:.5"'))
    parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}">'
                 f'<title>{escape(dot.name)}: {dot.x:.1f}, {dot.y:.2f}</title></circle>')
    parts.append(_text(x + 6, y - 5, dot.name, 'start'))
    return parts


def _line(x1: float, y1: float, x2: float, y2: float, style: str = '') -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"{style}/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
