"""What `protection.coverage` stands for: the levers that decide who is covered, preset by preset.

The one source of these values; `parameters.checked_values` fills them in where a lever keeps its
default, `PRESET`. Chosen on rendered validation frames, never on the frames of the published
figures.
"""
from __future__ import annotations

from collections.abc import Mapping

PRESET = -1
"""Value of a numeric lever that takes what the preset says."""

PRESET_CHOICE = 'preset'
"""The same for a lever with choices."""

DEFAULT = 'safe'

COVERAGE_PRESETS: Mapping[str, Mapping[str, int | float | str]] = {
    'fast': {
        'detector.score_min': 0.25, 'detector.views': 1, 'detector.second_view_every_frames': 2,
        'detector.tiles': 0, 'detector.every_frames': 2, 'detector.second_opinion': 'none',
        'mask.every_frames': 6, 'protection.margin': 0.06, 'protection.look_ahead_frames': 0,
        'tracker.memory_frames': 15, 'tracker.memory_s': 2.0},
    'safe': {
        'detector.score_min': 0.2, 'detector.views': 2, 'detector.second_view_every_frames': 2,
        'detector.tiles': 0, 'detector.every_frames': 2, 'detector.second_opinion': 'segmentation',
        'mask.every_frames': 5, 'protection.margin': 0.08, 'protection.look_ahead_frames': 0,
        'tracker.memory_frames': 15, 'tracker.memory_s': 2.0},
    'strict': {
        'detector.score_min': 0.15, 'detector.views': 2, 'detector.second_view_every_frames': 1,
        'detector.tiles': 2, 'detector.every_frames': 1, 'detector.second_opinion': 'segmentation',
        'mask.every_frames': 1, 'protection.margin': 0.1, 'protection.look_ahead_frames': 3,
        'tracker.memory_frames': 30, 'tracker.memory_s': 4.0},
}
"""Levers by preset, from the fastest to the one that covers most."""


def preset_text(name: str) -> str:
    """Return the values of one lever in all presets, such as `fast 0.25, safe 0.2`."""
    return ', '.join(f'{preset} {levers[name]}' for preset, levers in COVERAGE_PRESETS.items())
