"""Puts the parts together: the results of one benchmark, with the ratios that are compared."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latent_rag_ros.bench.targets import figure_at, reached_targets
from latent_rag_ros.coverage_presets import DEFAULT

BATCH = '5'
"""People per frame of the figures per person."""


def results_of(about: Mapping[str, Any], parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return all results, ready for JSON.

    Parameters
    ----------
    about : Mapping
        Command, machine, device and the like.
    parts : Mapping
        Figures by the name of the part; what is missing is missing in the results too.
    """
    tree = _nested(parts)
    people = tree.get('people', {})
    results: dict[str, Any] = {
        'about': dict(about),
        'ms_per_person': _per_person(people),
        'people_per_s': {name: max(batch['first_seen']['people_per_s']
                                   for batch in figures['batches'].values())
                         for name, figures in people.items()},
        **{name: tree[name] for name in ('reference', 'people', 'frames', 'deface', 'work')
           if name in tree},
        'end_to_end': tree.get('end_to_end', {}).get(DEFAULT, {}),
        'end_to_end_by_coverage': tree.get('end_to_end', {}),
    }
    if 'long_run' in tree:
        results['long_run'] = tree['long_run']
    results['ratios'] = ratios(results)
    if 'robot_to_reference' in results['ratios']:
        results['ratio_to_reference'] = results['ratios']['robot_to_reference']
    for size, figures in results.get('deface', {}).items():
        figures['ratio_to_frame'] = {
            preset: results['ratios'][f'deface_to_frame.{preset}.{size}']
            for preset in results.get('frames', {})
            if f'deface_to_frame.{preset}.{size}' in results['ratios']}
    results['targets'] = reached_targets(results, about['device'])
    return results


def ratios(results: Mapping[str, Any]) -> dict[str, float]:
    """Return figures that mean the same on every machine; more is better for all of them.

    `X_to_reference`: time per person of the algorithm at its published size over that of X.
    `deface_to_frame.PRESET.SIZE`: time per frame of `deface` over that of the filter.
    """
    found = {}
    reference_ms = figure_at(results, ('reference', 'ms_per_person'))
    for name, taken_ms in results['ms_per_person'].items():
        if reference_ms and taken_ms:
            found[f'{name}_to_reference'] = round(reference_ms / taken_ms, 2)
    for preset, sizes in results.get('frames', {}).items():
        for size, figures in sizes.items():
            deface_ms = figure_at(results, ('deface', size, 'ms'))
            if deface_ms:
                found[f'deface_to_frame.{preset}.{size}'] = round(
                    deface_ms / figures['frame_ms']['mean'], 3)
    return found


def _per_person(people: Mapping[str, Any]) -> dict[str, float]:
    """Return ms per person, five in the frame: medians, and means where people are followed.

    What is done for people who are followed differs from frame to frame; only its mean says what
    it costs.
    """
    found = {}
    for name, figures in people.items():
        batch = figures['batches'][BATCH]
        found[name] = batch['first_seen']['ms_per_person']['p50']
        if 'warm' in batch:
            found[f'{name}_followed'] = batch['warm']['ms_per_person']['mean']
    return found


def _nested(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return figures by name as a tree: `a.b` becomes `b` inside of `a`."""
    tree: dict[str, Any] = {}
    for name, figures in parts.items():
        *branches, leaf = name.split('.')
        place = tree
        for branch in branches:
            place = place.setdefault(branch, {})
        place[leaf] = dict(figures)
    return tree
