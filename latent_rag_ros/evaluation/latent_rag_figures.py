"""The figures of Latent-RAG on held-out people: what it hides, what it keeps, floors beside.

The store holds none of these people (open store), settings are chosen on the validation split
only, every score is taken from 8-bit pictures, once as they are (PNG) and once after JPEG.
"""
from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from latent_rag_ros.evaluation.codecs import jpeg_decoded
from latent_rag_ros.evaluation.datasets.people import dataset_people
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.figures import AUTHORISED, Figures, Measure
from latent_rag_ros.evaluation.floors import image_floors
from latent_rag_ros.evaluation.held_out import (
    QUICK_IDENTITIES, HeldOutPeople, load_held_out_people)
from latent_rag_ros.evaluation.metrics import psnr_db, ssim
from latent_rag_ros.evaluation.protect import (
    ProtectedCrops, nearest_identities, own_codes, protect)
from latent_rag_ros.evaluation.results_file import versions, weights_hashes
from latent_rag_ros.evaluation.unseen import load_unseen_embedder
from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.weights.registry import weights_file

JPEG_QUALITY = 80
ALL_PRESETS = ('paper', 'robot_t10', 'robot')


@dataclass(frozen=True)
class Options:
    """What to evaluate.

    Parameters
    ----------
    split : str
        `test` for figures, `validation` for choosing settings.
    presets : sequence of str
        Presets of Latent-RAG, see `latent_rag.presets.PRESETS`.
    quick : bool
        Only the first people of the split.
    weights : Path or None
        Folder with the weights; None takes the shipped ones.
    device : str
        `cpu` or `cuda:N`.
    dataset : str or None
        Public data set in place of the held-out people, see `datasets.people.READERS`.
    root : Path or None
        Its folder.
    """

    split: str = 'test'
    presets: Sequence[str] = ALL_PRESETS
    quick: bool = False
    weights: Path | None = None
    device: str = 'cpu'
    dataset: str | None = None
    root: Path | None = None

    @property
    def command(self) -> str:
        """The command line that repeats this evaluation."""
        people = (f'--dataset {self.dataset} --root DIR' if self.dataset
                  else f'--split {self.split}')
        words = ['latent-rag evaluate latent-rag', people]
        words += [f'--preset {preset}' for preset in self.presets]
        return ' '.join(words + ['--quick'] * self.quick)


def latent_rag_figures(options: Options, show_progress: bool = True) -> Figures:
    """Run the evaluation and return nested figures, ready for JSON.

    Returns
    -------
    dict
        `about`; `raw`; `floors.<name>`; `own_code`, the person's own code decoded, which is no
        protection; one entry per preset. Below a floor or a preset stand
        `psnr_db`, `ssim`, `prot_raw|raw_prot|prot_prot.rank1|map` of the authorised network,
        the same settings of other networks under their names, and `jpeg` with all of it after
        JPEG. Every mean has its 95 % interval beside it, `<name>_ci95`.

    Raises
    ------
    WeightsError, EvaluationError
        Weights or data are missing, damaged, or not of one release.
    """
    started_s = time.monotonic()
    people, others = _people(options)
    embedder, networks = _networks(options)
    replacers = _replacers(options, people)
    measure = Measure.of(people, networks, options.device)
    results: Figures = {'about': {}, 'raw': measure.raw(), 'floors': {
        name: measure.protected(images) for name, images in image_floors(people, others).items()}}
    swapped = nearest_identities(measure.raw_features[AUTHORISED], replacers[options.presets[0]])
    results['floors']['nearest_identity'] = measure.protected(swapped)
    encoder = load_encoder(weights_file('encoder.safetensors', options.weights), options.device)
    decoded = own_codes(people.images, encoder, replacers[options.presets[0]])
    results['own_code'] = measure.protected(decoded) | {
        'cosine': round(float(measure.cosine(decoded).mean()), 4)}
    for preset, replacer in replacers.items():
        with tqdm(total=len(people), desc=preset, unit='crop', disable=not show_progress) as bar:
            protected = protect(people.images, replacer, embedder, options.device, bar.update)
        results[preset] = _preset_figures(measure, protected)
    results['about'] = _about(options, people, time.monotonic() - started_s)
    return results


def _people(options: Options) -> tuple[HeldOutPeople, HeldOutPeople]:
    """Return the people to measure and other people for the mean image."""
    if options.dataset is not None:
        return dataset_people(options.dataset, options.root, options.quick)
    people = load_held_out_people(options.split)
    others = load_held_out_people('validation' if options.split == 'test' else 'test')
    return (people.first_identities(QUICK_IDENTITIES) if options.quick else people), others


def _networks(options: Options) -> tuple[Embedder, Mapping[str, EmbeddingNetwork]]:
    path = weights_file('embedder.safetensors', options.weights)
    embedder = load_embedder(path, options.device)
    networks: dict[str, EmbeddingNetwork] = {AUTHORISED: embedder}
    unseen = load_unseen_embedder(options.weights, options.device)
    return embedder, networks if unseen is None else networks | {'unseen': unseen}


def _replacers(options: Options, people: HeldOutPeople) -> dict[str, LatentRagReplacer]:
    """Return one replacer per preset after checking that its store is an open one."""
    replacers = {}
    for preset in options.presets:
        replacer = LatentRagReplacer.load(options.weights, PRESETS[preset], options.device)
        inside = np.intersect1d(people.labels.identities, replacer.store.identities.numpy())
        # numbers of a data set count other people than the numbers of rendered ones do
        if len(inside) and options.dataset is None:
            raise EvaluationError(
                f'the retrieval store holds {len(inside)} of the people that are measured, such '
                f'as {inside[0]}; figures would be those of a closed store: build it of other '
                'people')
        replacers[preset] = replacer
    return replacers


def _preset_figures(measure: Measure, protected: ProtectedCrops) -> Figures:
    figures = measure.protected(protected.images)
    figures['jpeg'] = measure.protected(jpeg_decoded(protected.images, JPEG_QUALITY))
    cosine = measure.cosine(protected.images)
    figures['cosine'] = round(float(cosine.mean()), 4)
    figures['iterations'] = round(float(protected.iterations.mean()), 2)
    figures['looks'] = round(float(protected.looks.mean()), 2)
    figures['share_solid'] = _share_solid(measure.people.images, protected.images, cosine)
    figures['seconds_per_person'] = round(protected.seconds / len(protected.images), 4)
    return figures


def _share_solid(raw: NDArray[np.uint8], protected: NDArray[np.uint8],
                 cosine: NDArray[np.float64]) -> float:
    """Return the share of pictures that the filter would replace by a solid colour."""
    limits = checked_values(PROTECTOR, {})
    fails = ((psnr_db(protected, raw) > limits['protection.psnr_db_max'])
             | (ssim(protected, raw) > limits['protection.ssim_max'])
             | (cosine < limits['identity.cosine_min']))
    return round(float(fails.mean()), 4)


def _about(options: Options, people: HeldOutPeople, seconds: float) -> Figures:
    return {
        'command': options.command, 'split': options.dataset or options.split,
        'people': 'real' if options.dataset else 'held-out synthetic', 'quick': options.quick,
        'crops': len(people), 'identities': people.identity_count,
        'cameras': people.camera_count, 'jpeg_quality': JPEG_QUALITY,
        'device': options.device, 'seconds': round(seconds, 1), 'versions': versions(),
        'weights_sha256': weights_hashes(options.weights)}
