"""The stages that every method goes through: protect the people, score the pictures."""
from __future__ import annotations

import time
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.clothing_colour import Clothing
from latent_rag_ros.evaluation.codecs import jpeg_decoded
from latent_rag_ros.evaluation.figures import AUTHORISED, Figures
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.methods.registry import Entry, SharedNetworks
from latent_rag_ros.evaluation.privacy.attack_figures import Judge
from latent_rag_ros.evaluation.privacy.attack_plan import UNTRAINED
from latent_rag_ros.evaluation.privacy.options import PrivacyOptions
from latent_rag_ros.evaluation.privacy.probes import NETWORKS, load_probes
from latent_rag_ros.evaluation.privacy.protection_figures import (
    Images, Looks, protection_figures, share_refused, similarity_figures)
from latent_rag_ros.evaluation.privacy.reid_figures import reid_figures
from latent_rag_ros.evaluation.privacy.splits import Splits
from latent_rag_ros.evaluation.privacy.stage_cache import (
    StageCache, pictures_digest, source_digest)
from latent_rag_ros.evaluation.results_file import weights_hashes
from latent_rag_ros.evaluation.silhouettes import Silhouettes
from latent_rag_ros.evaluation.unseen import UNSEEN_WEIGHTS
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE

JPEG_QUALITY = 80

SCORING = tuple(f'evaluation/{name}.py' for name in (
    'privacy/attack_figures', 'privacy/protection_figures', 'privacy/reid_figures',
    'privacy/probes', 'bootstrap', 'clothing_colour', 'metrics', 'ranking', 'silhouettes',
    'verification_rate'))
"""Modules that decide the scores of given pictures."""


NETWORK_FILES = (EMBEDDER_FILE, UNSEEN_WEIGHTS)


class Bench:
    """Everything that is the same for all methods of one evaluation.

    Parameters
    ----------
    options : PrivacyOptions
        What is measured.
    splits : Splits
        Whose pictures.

    Raises
    ------
    WeightsError
        Weights are missing or damaged.
    """

    def __init__(self, options: PrivacyOptions, splits: Splits) -> None:
        self.options, self.splits = options, splits
        self.networks = SharedNetworks(options.weights, options.device)
        self.probes = load_probes(options.weights, options.device)
        self.silhouettes = Silhouettes()
        self.cache = StageCache(None if options.shows_real_people else options.cache)
        self.weights_sha256 = weights_hashes(options.weights)
        self.sources = {'latent_rag': source_digest('latent_rag'),
                        'methods': source_digest('evaluation/methods'),
                        'scores': source_digest(*SCORING),
                        'attacks': source_digest('evaluation/attacks')}

    @cached_property
    def raw(self) -> Looks:
        """The raw crops of the measured people."""
        return self._looks('measured', self.splits.measured.images)

    @cached_property
    def raw_features(self) -> dict[str, NDArray[np.float32]]:
        """Features of the raw crops by probe."""
        return self.features(self.raw, tuple(self.probes))

    @cached_property
    def judge(self) -> Judge:
        """Who scores the attackers."""
        attackers = self._looks('attackers', self.splits.attack.images)
        return Judge(self.splits.measured, self.raw, self.raw_features, self.probes, attackers)

    def protected(self, name: str, entry: Entry, people: HeldOutPeople) -> tuple[Images, float]:
        """Return the protected pictures of people, and the seconds that each took.

        Raises `MethodUnavailable` when the method needs something that is not installed.
        """
        key = {'settings': dict(entry.settings), 'made_with': self.made_with(entry),
               'source': self.sources['methods'], 'pictures': pictures_digest(people.images)}

        def make() -> dict[str, NDArray]:
            method = entry.make(self.networks)
            started_s = time.monotonic()
            images = method.protect(people)
            return {'images': images,
                    'seconds': np.array((time.monotonic() - started_s) / len(people))}

        made = self.cache.arrays('protected', name, key, make)
        return made['images'], float(made['seconds'])

    def made_with(self, entry: Entry) -> dict[str, str]:
        """Return the hashes of weights and code that decide what a method, or its attacker, does.

        A baseline needs the re-ID networks at most: it stays as it is when Latent-RAG changes.
        """
        if not entry.uses_store:
            return self._networks()
        return self.weights_sha256 | {'latent_rag': self.sources['latent_rag']}

    def _networks(self) -> dict[str, str]:
        return {name: self.weights_sha256[name] for name in NETWORK_FILES
                if name in self.weights_sha256}

    def scores(self, name: str, images: Images, is_ablation: bool = False) -> Figures:
        """Return `protection`, `reid`, `jpeg` and the untrained attack of protected pictures.

        Ablations are scored by re-ID networks only, and without verification.
        """
        key = {'pictures': pictures_digest(images, self.raw.images), 'ablation': is_ablation,
               'probes': sorted(self.probes), 'made_with': self._networks(),
               'attackers': pictures_digest(self.judge.attackers.images),
               'source': self.sources['scores']}
        return self.cache.figures('scores', name, key, lambda: self._scores(images, is_ablation))

    def features(self, looks: Looks, names: tuple[str, ...]) -> dict[str, NDArray[np.float32]]:
        """Return the features of pictures by probe, each (n, d), rows of unit length."""
        return {name: self.probes[name].features(looks.images, looks.masks)
                for name in names if name in self.probes}

    def _looks(self, name: str, images: Images) -> Looks:
        key = {'pictures': pictures_digest(images), 'source': self.sources['scores']}

        def make() -> dict[str, NDArray]:
            looks = Looks.of(images, self.silhouettes)
            return {'masks': looks.masks, 'torso': looks.clothing.torso,
                    'legs': looks.clothing.legs}

        made = self.cache.arrays('looks', name, key, make)
        return Looks(images, made['masks'], Clothing(made['torso'], made['legs']))

    def _scores(self, images: Images, is_ablation: bool) -> Figures:
        people = self.splits.measured
        identities = people.labels.identities
        looks = Looks.of(images, self.silhouettes)
        names = NETWORKS if is_ablation else tuple(self.probes)
        after_jpeg = jpeg_decoded(images, JPEG_QUALITY)
        jpeg_features = self.features(Looks(after_jpeg, looks.masks, looks.clothing), NETWORKS)
        features = self.features(looks, names)
        cosine = (features[AUTHORISED] * self.raw_features[AUTHORISED]).sum(axis=1)
        return {
            'protection': protection_figures(looks, self.raw, identities) | {
                'identity_cosine': round(float(cosine.mean()), 4),
                'share_refused': share_refused(images, self.raw.images, cosine)},
            'reid': reid_figures(self.raw_features, features, people, verifies=not is_ablation),
            'jpeg': {'protection': similarity_figures(after_jpeg, self.raw.images, identities),
                     'reid': reid_figures(self.raw_features, jpeg_features, people,
                                          verifies=False)},
            'attacks': {UNTRAINED: self.judge.recovery(looks)}}
