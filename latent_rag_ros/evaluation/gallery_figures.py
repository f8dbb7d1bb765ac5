"""Figures of the gallery for `latent-rag evaluate gallery`: who is who, and how fast."""
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.gallery_calibration import EMBEDDER_FILE, model_id_of
from latent_rag_ros.evaluation.gallery_identification import (
    defaults, gallery_scores, naive_scores)
from latent_rag_ros.evaluation.gallery_scenes import (
    CAMERAS, PEOPLE, SEEDS, VISITS, filtered_scene, labelled_scene, one_after_another,
    only_labelled, rendered_pictures, rendered_scene, vtest_pictures)
from latent_rag_ros.evaluation.gallery_search import clustered, throughput
from latent_rag_ros.evaluation.gallery_simulation import SimulatedPeople
from latent_rag_ros.evaluation.gallery_stream import ObservedFrame, dimension_of
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.results_file import versions
from latent_rag_ros.gallery.calibration import Calibration
from latent_rag_ros.gallery.features import FeatureSpace
from latent_rag_ros.gallery.limits import CALIBRATED, MatchLimit
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.parameters import Value
from latent_rag_ros.weights.registry import weights_file

PARTS = ('rendered', 'filter', 'vtest', 'faiss')
"""Rendered people with true boxes and tracks; the same through detector and tracker; real people
through detector and tracker; speed."""


@dataclass(frozen=True)
class GalleryOptions:
    """What is measured.

    Parameters
    ----------
    calibrations : sequence of Calibration
        Limits, of the embedder among others.
    vtest : Path or None
        The video; the part is skipped without it.
    weights : Path or None
        Folder of the networks; None takes the shipped ones.
    device : str
        Where they run.
    seeds : tuple of int
        Data seeds of the rendered scenes.
    """

    calibrations: Sequence[Calibration]
    vtest: Path | None
    weights: Path | None = None
    device: str = 'cpu'
    seeds: tuple[int, ...] = SEEDS


def about(options: GalleryOptions) -> dict[str, Any]:
    """Return what is needed to repeat the figures."""
    model_id = model_id_of(weights_file(EMBEDDER_FILE, options.weights))
    data = {one.model_id: one.data for one in options.calibrations}
    return {'command': 'latent-rag evaluate gallery', 'model': model_id,
            'seeds': list(options.seeds), 'people_per_seed': PEOPLE, 'visits': VISITS,
            'cameras_per_seed': CAMERAS, 'calibrated_on': data.get(model_id, ''),
            'calibrated': model_id in data,
            'parameters': {name: value for name, value in defaults().items()
                           if name.startswith(('gallery.', 'quality.')) and value != ''},
            'cores': len(os.sched_getaffinity(0)), 'versions': versions()}


def measured_part(part: str, options: GalleryOptions) -> dict[str, dict[str, Any]]:
    """Return the figures of one of `PARTS`, by their names in the results.

    Raises `EvaluationError` when something that it needs is not installed.
    """
    if part == 'faiss':
        return {'faiss': _search(options)}
    values = defaults()
    if part == 'rendered':
        network = load_embedder(weights_file(EMBEDDER_FILE, options.weights), options.device)
        frames = one_after_another([
            list(labelled_scene(rendered_pictures(rendered_scene(seed)), network, values,
                                options.device)) for seed in options.seeds])
    elif part == 'filter':
        cameras = [f'camera {number}' for number in range(CAMERAS)]
        frames = one_after_another([
            filtered_scene(rendered_pictures(rendered_scene(seed)), cameras, options.weights,
                           options.device, values) for seed in options.seeds])
    elif options.vtest is not None:
        frames = only_labelled(filtered_scene(vtest_pictures(options.vtest), ['vtest'],
                                              options.weights, options.device, values))
    else:
        return {}
    model_id = model_id_of(weights_file(EMBEDDER_FILE, options.weights))
    return {part: compared(frames, model_id, options.calibrations, values),
            f'{part}_naive': naive_scores(frames, dimension_of(frames))}


def compared(frames: Sequence[ObservedFrame], model_id: str,
             calibrations: Sequence[Calibration], values: Mapping[str, Value]) -> dict[str, Any]:
    """Return how well a reidentifier with these parameters names the people of a stream."""
    space = FeatureSpace(model_id, '', dimension_of(frames))
    limit = MatchLimit(CALIBRATED, values['gallery.false_accept_rate'], calibrations)
    limit.model_id = model_id
    return gallery_scores(frames, space, limit, dict(values))


def _search(options: GalleryOptions) -> dict[str, float | int]:
    """Return the figures of FAISS on simulated people with the covariances of the test people."""
    people = load_held_out_people('test')
    network = load_embedder(weights_file(EMBEDDER_FILE, options.weights), options.device)
    simulated = SimulatedPeople(embed_images(network, people.images, options.device),
                                people.labels.identities)
    limit = MatchLimit(CALIBRATED, defaults()['gallery.false_accept_rate'], options.calibrations)
    limit.model_id = model_id_of(weights_file(EMBEDDER_FILE, options.weights))
    return {**throughput(simulated, limit), **clustered(simulated)}
