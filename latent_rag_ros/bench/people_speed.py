"""Milliseconds per person from the crop to the verified patch, through the real pipeline."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latent_rag_ros.bench.cast import shipped_cast
from latent_rag_ros.bench.figures import distribution
from latent_rag_ros.bench.frame_times import (
    SECOND_MS, FrameTime, frame_times, people_figures)
from latent_rag_ros.bench.patience import Patience
from latent_rag_ros.bench.scene import Scene, Stage
from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.pipeline import ProtectionPipeline

UNHURRIED = {'guard.deadline_s': 60.0}
"""A deadline that nothing measured here meets: refinement is never cut short."""

CROWD_GRID = {'rows': 3, 'columns': 7}
SMALL_GROUP = 10
"""From here on people stand in the finer grid."""


def scene_of(people: int, width_px: int = 640, height_px: int = 480) -> Scene:
    """Return a scene with this many people, at most 21."""
    grid = CROWD_GRID if people > SMALL_GROUP else {}
    return Scene(width_px, height_px, people, **grid)


def people_speed(values: Mapping[str, Value], batches: Sequence[int], patience: Patience,
                 warm: bool) -> dict[str, Any]:
    """Return what one person costs, by the number of people in the frame.

    Parameters
    ----------
    values : Mapping
        Parameters of the protector that differ from the defaults, the device among them.
    batches : sequence of int
        People per frame.
    patience : Patience
        How long to measure each.
    warm : bool
        Measure people who are followed as well, not only people seen for the first time.

    Returns
    -------
    dict
        `values`, `device`, and per batch `first_seen` and `warm`: `ms_per_person` with its
        distribution over frames, `stages_ms_per_person` (means), `people_per_s`, and how many
        people were covered, embedded and replaced per frame.
    """
    pipeline = ProtectionPipeline.from_values(
        {'protection.coverage': 'fast', **UNHURRIED, **values})
    cast, figures = shipped_cast(), {}
    for people in batches:
        stage = Stage(scene_of(people), cast)
        figures[str(people)] = {
            name: _per_person(frame_times(pipeline, stage, patience, first_seen), people)
            for name, first_seen in (('first_seen', True), ('warm', False))
            if first_seen or warm}
    return {'values': dict(values), 'device': pipeline.device, 'batches': figures}


def _per_person(times: Sequence[FrameTime], people: int) -> dict[str, Any]:
    per_person_ms = distribution([taken.replacement_ms / people for taken in times])
    names = dict.fromkeys(name for taken in times for name in taken.stages_ms)
    return {
        'ms_per_person': per_person_ms,
        'people_per_s': round(SECOND_MS / max(per_person_ms['mean'], 1e-6), 1),
        'stages_ms_per_person': {
            name: round(sum(taken.stages_ms.get(name, 0.0) for taken in times)
                        / len(times) / people, 3) for name in names},
        **people_figures(times),
    }
