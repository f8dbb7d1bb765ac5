"""One privacy evaluation from people to figures."""
from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.floors import another_person, mean_image, solid
from latent_rag_ros.evaluation.methods.method import MethodUnavailable
from latent_rag_ros.evaluation.methods.registry import Entry, methods
from latent_rag_ros.evaluation.privacy.attack_plan import UNTRAINED, attackers_of, budget_of
from latent_rag_ros.evaluation.privacy.bench import JPEG_QUALITY, Bench
from latent_rag_ros.evaluation.privacy.options import PrivacyOptions
from latent_rag_ros.evaluation.privacy.probes import NETWORKS
from latent_rag_ros.evaluation.privacy.protection_figures import Images
from latent_rag_ros.evaluation.privacy.reid_figures import reid_figures
from latent_rag_ros.evaluation.privacy.splits import (
    Splits, assert_disjoint, load_splits, rendered_identities)
from latent_rag_ros.evaluation.privacy.trial import Trial
from latent_rag_ros.evaluation.results_file import versions

LOGGER = logging.getLogger(__name__)
MID_GREY = 128


@dataclass(frozen=True)
class Evaluated:
    """What one evaluation gives.

    Parameters
    ----------
    figures : dict
        Ready for JSON, see `evaluate`.
    pictures : Mapping
        Some measured people for the contact sheets, by column: `original`, names of methods, and
        `method/attacker`; each (n, 128, 64, 3), uint8, RGB. Empty where the people are real.
    """

    figures: Figures
    pictures: Mapping[str, Images] = field(default_factory=dict)


def evaluate(options: PrivacyOptions) -> Evaluated:
    """Run the evaluation; finished stages come from the cache.

    Returns
    -------
    Evaluated
        Figures: `about`; `raw.reid.<network>`; `methods.<name>`, each with `protection`,
        `reid.<network>.<setting>`, `jpeg` and `attacks.<attacker>`; `floors.<name>` likewise, what
        is below `protection` directly; `skipped` says why a method is missing. Means have their
        95 % interval beside them as `<name>_ci95`.

    Raises
    ------
    EvaluationError, WeightsError
        Data or weights are missing, damaged or not of one release; people are in two splits; a
        name is unknown.
    """
    started_s = time.monotonic()
    entries = _chosen(options)
    splits = load_splits(options)
    bench = Bench(options, splits)
    _check_open(bench, entries)
    figures: Figures = {'about': {}, 'raw': _raw(bench), 'floors': {}, 'methods': {},
                        'skipped': {}}
    shown = _Shown(splits.measured.labels.identities, options.shows_real_people)
    shown.add('original', bench.raw.images)
    for name, images in tqdm(floors(splits).items(), desc='floors'):
        scores = bench.scores(name, images, is_ablation=True)
        figures['floors'][name] = {**scores['protection'], 'reid': scores['reid'],
                                   'attacks': scores['attacks']}
    for name, entry in tqdm(entries.items(), desc='methods'):
        try:
            figures['methods'][name] = _method(bench, name, entry, shown)
        except MethodUnavailable as error:
            LOGGER.warning('%s is left out: %s', name, error)
            figures['skipped'][name] = str(error)
    figures['about'] = _about(bench, time.monotonic() - started_s)
    return Evaluated(figures, shown.columns)


def floors(splits: Splits) -> dict[str, Images]:
    """Return what is no protection method, to read the figures by: one picture per crop.

    The mean image is that of the attackers' people; a mean colour is each picture's own.
    """
    images = splits.measured.images
    noise = np.random.default_rng(0).integers(256, size=images.shape, dtype=np.uint8)
    colours = images.mean(axis=(1, 2), keepdims=True).round().astype(np.uint8)
    return {'another_person': another_person(splits.measured),
            'mean_image': mean_image(splits.attack.images, images),
            'mid_grey': solid(images, MID_GREY),
            'uniform_noise': noise,
            'mean_colour': np.broadcast_to(colours, images.shape).copy(),
            'mirrored': np.ascontiguousarray(images[:, :, ::-1])}


def _chosen(options: PrivacyOptions) -> dict[str, Entry]:
    """Return the methods of the evaluation, the ones of most interest first."""
    known, wanted = methods(), options.size.methods
    unknown = sorted(set(wanted or ()) - set(known))
    if unknown and not options.size.is_quick:
        raise EvaluationError(f'method is {unknown[0]!r}; choose among {", ".join(known)}')
    chosen = {name: entry for name, entry in known.items() if wanted is None or name in wanted}
    for name, entry in chosen.items():
        attackers_of(name, entry, options.size)
    return chosen


def _check_open(bench: Bench, entries: Mapping[str, Entry]) -> None:
    """Refuse a store or networks that know a measured or an attacker's rendered person."""
    if bench.options.shows_real_people:
        return
    preset = next((entry.preset for entry in entries.values() if entry.preset), None)
    groups = {'measured': bench.splits.measured.labels.identities,
              'attackers': bench.splits.attack.labels.identities}
    if preset is not None:
        store = bench.networks.replacer(preset).store.identities.numpy()
        groups |= rendered_identities(store)
    assert_disjoint(groups)


def _raw(bench: Bench) -> Figures:
    reid = reid_figures(bench.raw_features, bench.raw_features, bench.splits.measured)
    return {'reid': {name: settings['raw_raw'] for name, settings in reid.items()}}


def _method(bench: Bench, name: str, entry: Entry, shown: _Shown) -> Figures:
    protected, seconds = bench.protected(name, entry, bench.splits.measured)
    shown.add(name, protected)
    scores = bench.scores(name, protected, entry.group == 'ablation')
    figures = {'title': entry.title, 'group': entry.group,
               'seconds_per_person': round(seconds, 4), **scores}
    figures['attacks'] = dict(scores['attacks'])
    trial = Trial(bench, name, entry, protected)
    attackers = attackers_of(name, entry, bench.options.size)
    for attacker in tqdm(attackers, desc=f'attacks on {name}', leave=False):
        figures['attacks'][attacker], recovered = trial.attack(attacker)
        if recovered is not None:
            shown.add(f'{name}/{attacker}', recovered)
    return figures


class _Shown:
    """Collects pictures of the first crop of some people for the contact sheets."""

    PEOPLE = 6

    def __init__(self, identities: NDArray[np.int64], are_real: bool) -> None:
        first = np.unique(identities, return_index=True)[1]
        self._rows = first[:0 if are_real else self.PEOPLE]
        self.columns: dict[str, Images] = {}

    def add(self, column: str, images: Images) -> None:
        """Keep the shown people of pictures of all measured crops."""
        if len(self._rows):
            self.columns[column] = images[self._rows]


def _about(bench: Bench, seconds: float) -> Figures:
    options, splits = bench.options, bench.splits
    people = splits.measured
    attackers = {attacker for name, entry in _chosen(options).items()
                 for attacker in attackers_of(name, entry, options.size)}
    return {
        'command': options.command, 'split': options.dataset or options.split,
        'people': 'real' if options.shows_real_people else 'held-out synthetic',
        'quick': options.size.is_quick, 'complete': options.is_complete, 'crops': len(people),
        'identities': people.identity_count, 'cameras': people.camera_count,
        'attackers_people': splits.attack.identity_count, 'attackers_pairs': len(splits.attack),
        'budget_iterations': {name: budget_of(name, options).iterations
                              for name in sorted(attackers)},
        'untrained_attack': UNTRAINED, 'unauthorised_networks': [
            name for name in bench.probes if name != NETWORKS[0]],
        'jpeg_quality': JPEG_QUALITY, 'seed': options.seed, 'device': options.device,
        'seconds': round(seconds, 1), 'versions': versions(),
        'weights_sha256': bench.weights_sha256}
