"""The figures of one way to protect: how alike the pictures stay, how well people are found."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.bootstrap import confidence_interval
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.metrics import psnr_db, ssim
from latent_rag_ros.evaluation.ranking import Labels, rank

AUTHORISED = 'authorised'
"""Name of the network that the filter itself uses; its figures stand without a name."""

Figures = dict[str, Any]
"""Nested figures, ready for JSON."""


@dataclass(frozen=True)
class Measure:
    """Measures pictures against the people they stand for.

    Parameters
    ----------
    people : HeldOutPeople
        Raw crops and their labels.
    networks : Mapping
        Re-ID networks by name; `authorised` is among them.
    raw_features : Mapping
        Features of the raw crops by network, each (n, d), float32.
    device : str
        Where the networks run.
    """

    people: HeldOutPeople
    networks: Mapping[str, EmbeddingNetwork]
    raw_features: Mapping[str, NDArray[np.float32]]
    device: str = 'cpu'

    @classmethod
    def of(cls, people: HeldOutPeople, networks: Mapping[str, EmbeddingNetwork],
           device: str = 'cpu') -> Measure:
        """Embed the raw crops once and return the measure."""
        features = {name: embed_images(network, people.images, device)
                    for name, network in networks.items()}
        return cls(people, networks, features, device)

    def raw(self) -> Figures:
        """Return Rank-1 and mAP of raw queries in the raw gallery, the upper bound."""
        labels, queries = self.people.labels, self.people.queries
        return _by_network({
            name: {'raw_raw': ranking_figures(features, features, labels, queries)}
            for name, features in self.raw_features.items()})

    def protected(self, images: NDArray[np.uint8]) -> Figures:
        """Return the figures of protected pictures, one per raw crop.

        Parameters
        ----------
        images : NDArray
            Shape (n, 128, 64, 3), uint8, RGB.

        Returns
        -------
        dict
            `psnr_db`, `ssim` and, for every network, the settings `prot_raw`, `raw_prot` and
            `prot_prot` (query first) with `rank1` and `map`; each with its 95 % interval.
        """
        identities = self.people.labels.identities
        figures: Figures = {}
        for name, values in (('psnr_db', psnr_db(images, self.people.images)),
                             ('ssim', ssim(images, self.people.images))):
            figures.update(with_interval(name, values, identities))
        return figures | _by_network({
            name: self._settings(network, self.raw_features[name], images)
            for name, network in self.networks.items()})

    def cosine(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the identity cosine of every picture to its raw crop, shape (n,).

        `images` has shape (n, 128, 64, 3), uint8, RGB; the authorised network compares.
        """
        protected = embed_images(self.networks[AUTHORISED], images, self.device)
        return (protected * self.raw_features[AUTHORISED]).sum(axis=1).astype(np.float64)

    def _settings(self, network: EmbeddingNetwork, raw: NDArray[np.float32],
                  images: NDArray[np.uint8]) -> Figures:
        protected = embed_images(network, images, self.device)
        pairs = {'prot_raw': (protected, raw), 'raw_prot': (raw, protected),
                 'prot_prot': (protected, protected)}
        return {setting: ranking_figures(query, gallery, self.people.labels, self.people.queries)
                for setting, (query, gallery) in pairs.items()}


def ranking_figures(query: NDArray[np.float32], gallery: NDArray[np.float32],
                    labels: Labels, queries: NDArray[np.bool_] | None = None) -> Figures:
    """Return `rank1` and `map` with intervals; query and gallery show the same crops.

    `query` and `gallery` are features of shape (n, d), float, rows of unit length. Where
    `queries`, shape (n,), is given, only its crops are queries and only the others the gallery.
    """
    asked, searched = labels, labels
    if queries is not None:
        query, gallery = query[queries], gallery[~queries]
        asked, searched = (Labels(labels.identities[rows], labels.cameras[rows])
                           for rows in (queries, ~queries))
    ranking = rank(query, asked, gallery, searched)
    return (with_interval('rank1', ranking.first_is_match, asked.identities)
            | with_interval('map', ranking.average_precision, asked.identities))


def with_interval(name: str, values: NDArray[np.float64],
                  identities: NDArray[np.int64]) -> Figures:
    """Return the mean of `values` as `name` and its interval over identities as `name_ci95`."""
    low, high = confidence_interval(values, identities)
    return {name: round(float(np.nanmean(values)), 4),
            f'{name}_ci95': [round(low, 4), round(high, 4)]}


def _by_network(figures: Mapping[str, Figures]) -> Figures:
    named = {name: value for name, value in figures.items() if name != AUTHORISED}
    return figures[AUTHORISED] | named
