"""The figures of the feature evaluation: utility, reversibility by fresh attackers, attributes.

Every attacker is trained here, on the frozen extractor, from scratch. The reversal module that a
protected extractor was trained against is no attacker: it is stale by construction, and the
weights file does not even hold it.
"""
from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from latent_rag_ros.evaluation.attacks.interface import Budget, Images
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.feature_attack import (
    FORMAT, Stage, Victims, kept, run_stage, shown_pictures)
from latent_rag_ros.evaluation.feature_data import FeatureData, FeatureNetworks
from latent_rag_ros.evaluation.feature_matching import matching
from latent_rag_ros.evaluation.feature_people import Subjects
from latent_rag_ros.evaluation.feature_readout import FeatureReadout
from latent_rag_ros.evaluation.feature_scores import ReversalMeasure
from latent_rag_ros.evaluation.feature_summary import averaged, with_ratios
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.results_file import versions, weights_hashes
from latent_rag_ros.feature_privacy.attacker import CollectedFeatures, FeatureAttacker
from latent_rag_ros.feature_privacy.decoder_attacker import DecoderAttacker
from latent_rag_ros.feature_privacy.diffusion_attacker import DiffusionAttacker
from latent_rag_ros.feature_privacy.extractors import Extractor
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace
from latent_rag_ros.feature_privacy.gan_attacker import GanAttacker
from latent_rag_ros.feature_privacy.picture_space import OwnPictures
from latent_rag_ros.feature_privacy.row_names import KEYED, PLAIN, TRAINED

SYNTHETIC, WITHOUT_PAIRS = 'synthetic', 'keyed_without_pairs'

SAME_COORDINATES = 0.05
"""Largest difference between coordinates of about unit variance that counts as rounding."""

Features = NDArray[np.float32]
Attackers = dict[str, Callable[[], FeatureAttacker]]


@dataclass(frozen=True)
class FeatureOptions:
    """What is measured, and how long attackers are trained.

    Parameters
    ----------
    extractors : tuple of str
        Rows of the table.
    decoder_iterations, iterations, probe_iterations : int
        Steps of the decoder, of every other attacker, and of every attribute probe. A step of the
        decoder is the cheapest, and it keeps the weights that do best on people kept apart: it is
        the one that is given the time to find what is not linear.
    batch : int
        Pictures of one step of an attacker.
    every, real_every : int
        Every how many-th held-out picture is reversed, rendered or real; the gallery is whole.
    command : str
        What the results name as the command that made them.
    """

    extractors: tuple[str, ...]
    decoder_iterations: int = 4000
    iterations: int = 250
    probe_iterations: int = 300
    batch: int = 128
    every: int = 12
    real_every: int = 6
    command: str = 'latent-rag evaluate features'

    def steps_of(self, attacker: str) -> int:
        """Return how long an attacker is trained."""
        return self.decoder_iterations if attacker == DecoderAttacker.name else self.iterations


class FeatureEvaluation:
    """One run.

    Parameters
    ----------
    data : FeatureData
    networks : FeatureNetworks
    options : FeatureOptions
    """

    def __init__(self, data: FeatureData, networks: FeatureNetworks,
                 options: FeatureOptions) -> None:
        self.data, self.networks, self.options = data, networks, options
        self.work: Path = networks.work
        images = data.attackers.people.images
        self.pictures = OwnPictures(images, data.attackers.masks)
        mean = np.round(images.mean(axis=0)).astype(np.uint8)
        independent = networks.independent()
        self.measures = {subjects.name: ReversalMeasure.of(
            subjects, networks.recognised(subjects),
            options.real_every if subjects is data.real else options.every,
            mean, independent, networks.device) for subjects in data.victims}
        self.readout = FeatureReadout(data, self.measures, options.probe_iterations, options.every)
        self.shown: dict[tuple[str, str], Images] = {}
        """Reversed pictures of rendered people by extractor and attacker, for the page."""

    def run(self) -> Figures:
        """Return nested figures, ready for JSON.

        Returns
        -------
        dict
            `about`; `floors`; for each extractor `map`, `rank1`, `attacks.<attacker>.skill|rank1|
            psnr_db|ssim|colour_accuracy`, `floors.nearest_picture`, `attributes.<name>.accuracy|
            chance`, `urr_ratio`, `urr_norm`, `vtest` with the same of real pedestrians, and
            `protected_pictures.prot_raw|raw_raw` of embedder and heads. An extractor without
            weights is `skipped`.
        """
        began_s = time.monotonic()
        results: Figures = {'about': {}, 'floors': self._floors()}
        for name in dict.fromkeys((PLAIN, *self.options.extractors)):
            extractor = self.networks.extractor(name, self.data.attackers)
            if extractor is None:
                results[name] = {'skipped': f'{TRAINED[name]} was not there; make it with: '
                                 f'latent-rag train {TRAINED[name].partition(".")[0]}'}
                continue
            results[name] = self._of_extractor(extractor)
            if name == KEYED:
                results[name] |= self._same_as_plain(extractor, results[PLAIN])
            else:
                self._attacks(extractor, results[name])
        self._add_matching(results)
        without_pairs = results[PLAIN].pop(WITHOUT_PAIRS)
        if KEYED in results:
            results[KEYED]['attacks_without_pairs'] = without_pairs
        with_ratios(results)
        results['about'] = self._about(time.monotonic() - began_s)
        return results

    def _add_matching(self, results: Figures) -> None:
        """Add `protected_pictures` to the extractors that may be published."""
        if self.data.replaced is None:
            return
        extractors = [self.networks.extractor(name, self.data.attackers) for name in TRAINED
                      if 'map' in results.get(name, {})]
        for name, figures in matching(extractors, self.data.replaced, self.networks).items():
            results[name]['protected_pictures'] = figures

    def _floors(self) -> Figures:
        """Return what needs no feature, and what the independent network gets of the originals."""
        figures = self._floors_of([self.measures[subjects.name]
                                   for subjects in self.data.held_out])
        if self.data.real is not None:
            figures['vtest'] = self._floors_of([self.measures[self.data.real.name]])
        return figures

    def _floors_of(self, measures: Sequence[ReversalMeasure]) -> Figures:
        person = self.pictures.mean_person()
        guesses = {'mean_image': [one.floor() for one in measures],
                   'mean_person': [one.repeated(person) for one in measures],
                   'original': [one.attacked.people.images for one in measures]}
        return {name: averaged([one.figures([images]) for one, images in zip(measures, pictures)])
                for name, pictures in guesses.items()}

    def _of_extractor(self, extractor: Extractor) -> Figures:
        own, published = self._published(extractor)
        parts = [FORMAT, self.options.probe_iterations, self.options.every]
        digest = hashlib.sha256(repr(parts).encode() + own.tobytes())
        for features in published.values():
            digest.update(features.tobytes())
        return kept(self.work / f'{extractor.name}-{digest.hexdigest()[:12]}' / 'readout.json',
                    lambda: self.readout.figures(own, published))

    def _published(self, extractor: Extractor) -> tuple[Features, dict[str, Features]]:
        """Return what an extractor publishes of the attackers' people, and of the others."""
        return (self.networks.published(extractor, self.data.attackers),
                {subjects.name: self.networks.published(extractor, subjects)
                 for subjects in self.data.victims})

    def _attacks(self, extractor: Extractor, figures: Figures) -> None:
        """Put the figures of every attacker into those of the extractor."""
        own, published = self._published(extractor)
        collected = CollectedFeatures(own, self.pictures,
                                      self.data.attackers.people.labels.identities)
        measured: Figures = {SYNTHETIC: {}, 'vtest': {}, WITHOUT_PAIRS: {}}
        for attacker, make in self._attackers().items():
            by_victims: dict[str, list[Figures]] = {name: [] for name in measured}
            for seed, subjects in enumerate(tqdm(self.data.held_out,
                                                 desc=f'{extractor.name}, {attacker}')):
                stage = Stage(extractor.name, extractor.weights_sha256, collected,
                              self._victims(extractor, subjects, published),
                              Budget(self.options.steps_of(attacker), seed), self.options.batch)
                for name, part in run_stage(stage, make(), self.work).items():
                    by_victims[name].append(part)
                if seed == 0:
                    self.shown[extractor.name, attacker] = shown_pictures(stage, attacker,
                                                                          self.work)
            for name, parts in by_victims.items():
                if parts:
                    measured[name][attacker] = averaged(parts)
        figures['attacks'] = measured[SYNTHETIC]
        if measured['vtest']:
            figures['vtest']['attacks'] = measured['vtest']
        if extractor.name == PLAIN:
            figures[WITHOUT_PAIRS] = measured[WITHOUT_PAIRS]

    def _same_as_plain(self, keyed: Extractor, plain: Figures) -> Figures:
        """Return the attacks on plain features as those on turned ones, once that is checked.

        To an attacker with pairs both are the same numbers, see `FeatureSpace`, so the same
        attackers would be trained again. Raises `EvaluationError` when they are not.
        """
        both = [self.networks.published(extractor, self.data.attackers)
                for extractor in (self.networks.plain(), keyed)]
        first, second = (FeatureSpace.of(features).coordinates(features) for features in both)
        if np.abs(first - second).max() > SAME_COORDINATES:
            raise EvaluationError(
                f'coordinates of plain and {keyed.name} features differ by '
                f'{np.abs(first - second).max():.2g}; a rotation has changed more than directions')
        return {'attacks': plain['attacks'], 'attacked_as': PLAIN} | (
            {'vtest': plain['vtest']} if 'vtest' in plain else {})

    def _attackers(self) -> Attackers:
        """Return what makes an untrained attacker, by name."""
        device, batch = self.networks.device, self.options.batch
        return {'decoder': lambda: DecoderAttacker(device, batch),
                'gan': lambda: GanAttacker(device, batch),
                'diffusion': lambda: DiffusionAttacker(device, batch)}

    def _victims(self, extractor: Extractor, subjects: Subjects,
                 published: dict[str, Features]) -> dict[str, Victims]:
        """Return the victims of one seed; those of the key are attacked beside the plain ones."""
        measure = self.measures[subjects.name]
        features = published[subjects.name][::self.options.every]
        victims = {SYNTHETIC: Victims(measure, features)}
        if self.data.real is not None:
            real = self.data.real.name
            victims['vtest'] = Victims(self.measures[real],
                                       published[real][::self.options.real_every])
        if extractor.name == PLAIN:
            keyed = self.networks.extractor(KEYED, self.data.attackers)
            victims[WITHOUT_PAIRS] = Victims(measure, keyed.published(features), aligned=True)
        return victims

    def _about(self, seconds: float) -> Figures:
        people: Sequence[Subjects] = (self.data.attackers, *self.data.victims)
        return {'command': self.options.command, 'device': self.networks.device,
                'attacker_iterations': {name: self.options.steps_of(name)
                                        for name in self._attackers()},
                'attacker_seeds': len(self.data.held_out),
                'people': [{'name': subjects.name, 'pictures': len(subjects.people),
                            'identities': subjects.people.identity_count,
                            'fingerprint': subjects.fingerprint} for subjects in people],
                'seconds': round(seconds, 1), 'versions': versions(),
                'weights_sha256': weights_hashes(self.networks.weights)}
