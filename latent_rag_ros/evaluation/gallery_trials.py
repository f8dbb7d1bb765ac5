"""What a gallery would say to everybody who arrives: Rank-1, and how often strangers are taken.

When a visit begins, its pooled feature is compared with the gallery as it is then. Identities of
the person tell whether the nearest is the right one; without them everybody is a stranger, so
that there are as many impostor trials as visits.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binomtest

from latent_rag_ros.evaluation.gallery_stream import ObservedFrame
from latent_rag_ros.gallery.features import FeatureArray, Features, FeatureSpace
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.tracks import TrackMatch

CANDIDATES = 50
"""Nearest identities that are looked at: more than one person ever has by mistake."""


@dataclass
class Trials:
    """Counts the outcomes of comparisons at the begin of visits.

    Parameters
    ----------
    gallery : Gallery
        The identities.
    space : FeatureSpace
        Space of the features.
    limit : Callable
        Cosine of a match for a number of identities.
    queries : dict
        Pooled feature (1, dimension) by visit, see `pooled_by_visit`.
    """

    gallery: Gallery
    space: FeatureSpace
    limit: Callable[[int], float]
    queries: dict[int, FeatureArray]
    genuine: list[tuple[bool, bool]] = field(default_factory=list)  # (is nearest, is above limit)
    impostor: list[bool] = field(default_factory=list)
    _owners: dict[int, Counter] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)

    def before(self, frame: ObservedFrame) -> None:
        """Compare the people whose visit begins with this frame."""
        for truth in frame.truths:
            if truth is None or truth.visit in self._begun or truth.visit not in self.queries:
                continue
            self._begun.add(truth.visit)
            query = Features(self.space, self.queries[truth.visit])
            own, others = [], []
            for candidate in self.gallery.match(query, CANDIDATES)[0]:
                kind = own if self._owner(candidate.identity_id) == truth.person else others
                kind.append(candidate.similarity)
            limit = self.limit(len(self.gallery))
            if own:
                self.genuine.append((not others or own[0] > others[0], own[0] >= limit))
            if others:
                self.impostor.append(others[0] >= limit)

    def after(self, frame: ObservedFrame, matches: Sequence[TrackMatch]) -> None:
        """Note whom the identities of this frame belong to."""
        for truth, match in zip(frame.truths, matches):
            if match.merged_id:
                merged = self._owners.pop(match.merged_id, Counter())
                self._owners.setdefault(match.identity_id, Counter()).update(merged)
            if truth is not None and match.identity_id:
                self._owners.setdefault(match.identity_id, Counter())[truth.person] += 1

    def figures(self, stated_rate: float) -> dict[str, float | int]:
        """Return Rank-1, the rates of true and false accepts and what they were counted on."""
        accepted = sum(self.impostor)
        interval = binomtest(accepted, max(1, len(self.impostor))).proportion_ci(method='exact')
        rate = accepted / max(1, len(self.impostor))
        return {
            'returning_rank1': float(np.mean([nearest for nearest, _ in self.genuine] or [0])),
            'true_accept_rate': float(np.mean([above for _, above in self.genuine] or [0])),
            'false_accept_rate': rate, 'far_ratio': rate / stated_rate,
            'far_ratio_low': interval.low / stated_rate,
            'far_ratio_high': interval.high / stated_rate,
            'genuine_trials': len(self.genuine), 'impostor_trials': len(self.impostor)}

    def _owner(self, identity_id: int) -> int:
        counts = self._owners.get(identity_id)
        return counts.most_common(1)[0][0] if counts else 0


def pooled_by_visit(frames: Sequence[ObservedFrame], pooling: int) -> dict[int, FeatureArray]:
    """Return the mean of the first good features of every visit, shape (1, dimension), norm 1."""
    features: dict[int, list[FeatureArray]] = {}
    for frame in frames:
        for row, (truth, good) in enumerate(zip(frame.truths, frame.is_good)):
            if truth is not None and good:
                features.setdefault(truth.visit, []).append(frame.features[row])
    means = {visit: np.mean(own[:pooling], axis=0, keepdims=True)
             for visit, own in features.items()}
    return {visit: (mean / np.linalg.norm(mean)).astype(np.float32)
            for visit, mean in means.items()}
