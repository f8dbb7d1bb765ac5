"""What features say before anybody is trained to reverse them: who, look-alikes, traits."""
from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.feature_data import FeatureData
from latent_rag_ros.evaluation.feature_people import attributes
from latent_rag_ros.evaluation.feature_scores import ReversalMeasure, nearest_pictures
from latent_rag_ros.evaluation.feature_summary import averaged
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.model_scores import recognition
from latent_rag_ros.feature_privacy.attribute_probe import AttributeProbe

Features = NDArray[np.float32]


class FeatureReadout:
    """Measures utility, look-alikes and attributes of one extractor after the other.

    Parameters
    ----------
    data : FeatureData
    measures : Mapping
        Of reversed pictures, by the names of the people.
    probe_iterations : int
        Steps of every attribute probe.
    every : int
        Every how many-th held-out picture counts for the look-alikes.
    """

    def __init__(self, data: FeatureData, measures: Mapping[str, ReversalMeasure],
                 probe_iterations: int, every: int) -> None:
        self._data, self._measures = data, measures
        self._iterations, self._every = probe_iterations, every

    @cached_property
    def _attributes(self) -> dict[str, dict[str, NDArray[np.int64]]]:
        data = self._data
        return {subjects.name: attributes(subjects, data.attackers)
                for subjects in (data.attackers, *data.held_out)}

    def figures(self, own: Features, published: Mapping[str, Features]) -> Figures:
        """Return `rank1` and `map`, of `vtest` too, `floors.nearest_picture` and `attributes`.

        Parameters
        ----------
        own : NDArray
            What the extractor publishes of the attackers' people, shape (n, d).
        published : Mapping
            What it publishes of the others, by their names.
        """
        data = self._data
        figures = recognition([published[subjects.name] for subjects in data.held_out],
                              [subjects.people for subjects in data.held_out])
        if data.real is not None:
            figures['vtest'] = recognition([published[data.real.name]], [data.real.people])
        figures['floors'] = {'nearest_picture': self._nearest(own, published)}
        figures['attributes'] = self._read(own, published)
        return figures

    def _nearest(self, own: Features, published: Mapping[str, Features]) -> Figures:
        """Return the figures of the attackers' own picture with the nearest feature."""
        images = self._data.attackers.people.images
        return averaged([self._measures[subjects.name].figures([nearest_pictures(
            published[subjects.name][::self._every], own, images)])
            for subjects in self._data.held_out])

    def _read(self, own: Features, published: Mapping[str, Features]) -> Figures:
        """Return how often each attribute is read off a feature, and the chance of a guess."""
        identities = self._data.attackers.people.labels.identities
        own_attributes = self._attributes[self._data.attackers.name]
        figures: Figures = {name: [] for name in own_attributes}
        for seed, subjects in enumerate(self._data.held_out):
            wanted = self._attributes[subjects.name]
            for name, labels in own_attributes.items():
                probe = AttributeProbe(self._iterations, seed)
                probe.fit(own, labels, identities)
                right = probe.predict(published[subjects.name]) == wanted[name]
                chance = (wanted[name] == np.bincount(labels).argmax()).mean()
                figures[name].append({'accuracy': float(right.mean()), 'chance': float(chance)})
        return {name: averaged(parts) for name, parts in figures.items()}
