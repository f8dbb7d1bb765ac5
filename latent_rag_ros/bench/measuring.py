"""Finds what measures a part, for the parts that need no ROS."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from latent_rag_ros.bench.patience import Patience
from latent_rag_ros.bench.scene import Scene

Settings = Mapping[str, Any]
Measurement = Callable[[Settings], dict[str, Any]]


def people(settings: Settings) -> dict[str, Any]:
    """Measure what one person costs; see `people_speed`."""
    from latent_rag_ros.bench.people_speed import people_speed

    return people_speed(settings['values'], settings['batches'],
                        Patience(**settings['patience']), settings['warm'])


def reference(settings: Settings) -> dict[str, Any]:
    """Measure the algorithm at its published size; see `reference_speed`."""
    from latent_rag_ros.bench.reference import reference_speed

    return reference_speed(settings['device'], settings['iterations_timed'])


def frames(settings: Settings) -> dict[str, Any]:
    """Measure whole frames; see `coverage_speed`."""
    from latent_rag_ros.bench.coverage_speed import coverage_speed

    return coverage_speed(settings['values'], Scene(**settings['scene']),
                          Patience(**settings['patience']))


def deface(settings: Settings) -> dict[str, Any]:
    """Measure `deface`; see `deface_speed`."""
    from latent_rag_ros.bench.deface_speed import deface_speed

    return deface_speed(Scene(**settings['scene']), Patience(**settings['patience']))


def work(settings: Settings) -> dict[str, Any]:
    """Measure cost against work; see `cost_against_work`."""
    from latent_rag_ros.bench.work import cost_against_work

    return cost_against_work(settings['values'], settings['people'],
                             Patience(**settings['patience']))


KINDS: Mapping[str, Measurement] = {
    'people': people, 'reference': reference, 'frames': frames, 'deface': deface, 'work': work}
"""Measurements by the kind of a part. Networks and libraries are loaded when one is made."""
