"""How the cost of a frame grows with the people in it and with its pixels."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latent_rag_ros.bench.cast import Cast, shipped_cast
from latent_rag_ros.bench.figures import distribution, growth_exponent
from latent_rag_ros.bench.frame_times import frame_times
from latent_rag_ros.bench.patience import Patience
from latent_rag_ros.bench.people_speed import CROWD_GRID, UNHURRIED
from latent_rag_ros.bench.scene import Scene, Stage
from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.pipeline import ProtectionPipeline

PIXEL_SHARES = (1.0, 2.25, 4.0)
"""Pixels relative to 640 x 480, with the same people in the same places."""

PEOPLE_OF_PIXELS = 5


def cost_against_work(values: Mapping[str, Value], people: Sequence[int],
                      patience: Patience) -> dict[str, Any]:
    """Return milliseconds per frame against people and against pixels, and how they grow.

    Parameters
    ----------
    values : Mapping
        Parameters of the protector that differ from the defaults.
    people : sequence of int
        People per frame, 0 first; all are of one size, whatever their number.
    patience : Patience
        How long to measure each point.

    Returns
    -------
    dict
        `people` and `pixels`: points with `first_seen_ms` and `followed_ms` per frame.
        `people_exponent`: of what a frame costs beyond an empty one, against people seen
        for the first time. `pixels_exponent`: of the whole frame, people followed. 1 is linear.
    """
    pipeline = ProtectionPipeline.from_values({**UNHURRIED, **values})
    cast = shipped_cast()
    by_people = [{'people': count, **_cost(pipeline, cast, Scene(640, 480, count, **CROWD_GRID),
                                           patience)} for count in people]
    by_pixels = []
    for share in PIXEL_SHARES:
        scene = Scene(round(640 * share ** 0.5), round(480 * share ** 0.5), PEOPLE_OF_PIXELS)
        by_pixels.append({'pixels': scene.width_px * scene.height_px,
                          **_cost(pipeline, cast, scene, patience)})
    return {'values': dict(values), 'device': pipeline.device,
            'people': by_people, 'pixels': by_pixels, **exponents(by_people, by_pixels)}


def exponents(by_people: Sequence[Mapping[str, float]],
              by_pixels: Sequence[Mapping[str, float]]) -> dict[str, float | None]:
    """Return `people_exponent` and `pixels_exponent` of points; the first has nobody in it."""
    empty_ms = by_people[0]['first_seen_ms']
    return {
        'people_exponent': growth_exponent(
            [point['people'] for point in by_people],
            [point['first_seen_ms'] - empty_ms for point in by_people]),
        'pixels_exponent': growth_exponent([point['pixels'] for point in by_pixels],
                                           [point['followed_ms'] for point in by_pixels])}


def _cost(pipeline: ProtectionPipeline, cast: Cast, scene: Scene,
          patience: Patience) -> dict[str, float]:
    """Return the median of frames with new people, the mean of frames with known ones.

    What is done for known people differs from frame to frame; only the mean says what it costs.
    """
    stage = Stage(scene, cast)
    return {name: distribution([taken.total_ms for taken in
                                frame_times(pipeline, stage, patience, first_seen)])[average]
            for name, first_seen, average in (('first_seen_ms', True, 'p50'),
                                              ('followed_ms', False, 'mean'))}
