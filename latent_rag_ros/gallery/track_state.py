"""What the gallery remembers of one track between frames."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from latent_rag_ros.gallery.features import FeatureArray


@dataclass
class TrackState:
    """What is remembered of one track between frames.

    Parameters
    ----------
    seen_ns : int
        Stamp of its last feature.
    identity_id : int
        Its identity; 0 while unknown.
    enrolled_id : int
        The identity that it made; 0 for none.
    contradictions : int
        Good views in a row that did not look like the identity.
    unknown : list
        Features that matched nobody, (stamp, (1, d)) each.
    recent : list
        Its last good features, (1, d) each.
    """

    seen_ns: int
    identity_id: int = 0
    enrolled_id: int = 0
    contradictions: int = 0
    unknown: list[tuple[int, FeatureArray]] = field(default_factory=list)
    recent: list[FeatureArray] = field(default_factory=list)

    def hold(self, identity_id: int) -> None:
        """Take an identity; contradictions were against the one before."""
        if identity_id != self.identity_id:
            self.contradictions = 0
        self.identity_id = identity_id
        self.unknown.clear()

    def pooled(self, feature: FeatureArray, is_good: bool, similarity_min: float,
               pooling: int) -> FeatureArray:
        """Return the mean of the last good features and this one, shape (1, d), of norm 1.

        Features that do not agree with the mean are of somebody else and begin a new one.
        """
        mean = _normalised(np.mean(self.recent, axis=0)) if self.recent else feature
        if float(mean[0] @ feature[0]) < similarity_min:
            if is_good:
                self.recent = [feature]
            return feature
        if is_good:
            self.recent = [*self.recent, feature][-pooling:]
        return _normalised(np.mean(self.recent, axis=0)) if self.recent else feature


def _normalised(vector: FeatureArray) -> FeatureArray:
    """Return a row of L2 norm 1, shape (1, d), float32."""
    row = np.asarray(vector, np.float32).reshape(1, -1)
    return row / max(float(np.linalg.norm(row)), 1e-12)
