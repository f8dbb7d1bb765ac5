"""Draws cost against work as an SVG picture: points, the line through them, and linear growth."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH, HEIGHT, MARGIN = 420, 300, 56
COLOURS = {'first_seen_ms': '#c0392b', 'followed_ms': '#2469a6'}
NAMES = {'first_seen_ms': 'seen for the first time', 'followed_ms': 'followed'}
TICKS = 4


def work_plot(work: Mapping[str, Any]) -> str:
    """Return an SVG picture of the figures of `cost_against_work`: people left, pixels right."""
    panels = [_panel('people in the frame', [point['people'] for point in work['people']],
                     work['people'], 0, work['people_exponent']),
              _panel('pixels of the frame, millions',
                     [point['pixels'] / 1e6 for point in work['pixels']], work['pixels'], WIDTH,
                     work['pixels_exponent'])]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">\n'
            f'<rect width="{2 * WIDTH}" height="{HEIGHT}" fill="white"/>\n'
            + '\n'.join(panels) + '\n</svg>\n')


def _panel(label: str, places: Sequence[float], points: Sequence[Mapping[str, float]],
           left: int, exponent: float | None) -> str:
    """Return one diagram whose left edge is at `left`."""
    right_most = max(places)
    top_most = max(point[name] for point in points for name in COLOURS)

    def x(place: float) -> float:
        return left + MARGIN + (WIDTH - 1.5 * MARGIN) * place / right_most

    def y(cost_ms: float) -> float:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * cost_ms / top_most

    parts = [f'<path d="M{x(0):.1f} {y(top_most):.1f}V{y(0):.1f}H{x(right_most):.1f}" '
             'fill="none" stroke="#888"/>',
             _text(x(right_most / 2), HEIGHT - 14, label),
             _text(left + MARGIN, MARGIN - 30, f'ms per frame (exponent {exponent})', 'start')]
    for step in range(TICKS + 1):
        parts.append(_text(x(right_most * step / TICKS), HEIGHT - MARGIN + 16,
                           f'{right_most * step / TICKS:.3g}'))
        parts.append(_text(left + MARGIN - 6, y(top_most * step / TICKS) + 4,
                           f'{top_most * step / TICKS:.0f}', 'end'))
    for row, (name, colour) in enumerate(COLOURS.items()):
        line = [(x(place), y(point[name])) for place, point in zip(places, points)]
        parts.append(f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in line)}" '
                     f'fill="none" stroke="{colour}"/>')
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in line]
        place = left + MARGIN + 8, MARGIN - 10 + 14 * row
        parts.append(_text(*place, NAMES[name], 'start', colour))
    return '\n'.join(parts)


def _text(x: float, y: float, words: str, anchor: str = 'middle', colour: str = '#333') -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'
