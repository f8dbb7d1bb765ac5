"""Person re-identification scores by the rule of Market-1501 (Zheng et al., ICCV 2015)."""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

JUNK = -1
"""Gallery identity of a picture that counts neither as hit nor as miss."""

DISTRACTOR = 0
"""Gallery identity of a picture that shows no query identity: always a miss."""


class Labels(NamedTuple):
    """Identity and camera of every picture of a set; both shape (n,), integers."""

    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]


@dataclass(frozen=True)
class Ranking:
    """Scores of every query, each shape (n,), float64; NaN where the gallery has no match.

    Parameters
    ----------
    first_hit : NDArray
        Place of the first gallery picture that shows the query's identity, counted from 1.
    average_precision : NDArray
        Mean of the precision at every hit, 0..1.
    inverse_negative_penalty : NDArray
        Number of matches over the place of the last one, 0..1 (Ye et al., TPAMI 2021); its mean
        over the queries is the mINP.
    """

    first_hit: NDArray[np.float64]
    average_precision: NDArray[np.float64]
    inverse_negative_penalty: NDArray[np.float64]

    @property
    def first_is_match(self) -> NDArray[np.float64]:
        """1 where the most similar gallery picture shows the query's identity, else 0."""
        return self.hit_within(1)

    def hit_within(self, places: int) -> NDArray[np.float64]:
        """Return 1 where a match is among the first `places`, else 0; NaN as in the fields."""
        return np.where(np.isnan(self.first_hit), np.nan, self.first_hit <= places)

    @property
    def rank1(self) -> float:
        """Rank-1 over the queries that have a match, 0..1."""
        return float(np.nanmean(self.first_is_match))

    @property
    def mean_average_precision(self) -> float:
        """The mAP over the queries that have a match, 0..1."""
        return float(np.nanmean(self.average_precision))


def rank(query_features: NDArray[np.float32], query_labels: Labels,
         gallery_features: NDArray[np.float32], gallery_labels: Labels) -> Ranking:
    """Rank the gallery for every query by cosine similarity and score the order.

    Gallery pictures with the query's identity **and** its camera are left out, so is `JUNK`.
    `DISTRACTOR` pictures stay in as misses. Among equal similarities misses come first, so that
    a constant picture cannot score by the order of the gallery.

    Parameters
    ----------
    query_features, gallery_features : NDArray
        Shapes (q, d) and (g, d), float, rows of unit length.
    query_labels, gallery_labels : Labels
        Identity and camera of every row.

    Returns
    -------
    Ranking
        One score per query.

    Raises
    ------
    ValueError
        Lengths do not agree, a query is junk or a distractor, or no query has any match.
    """
    _check(query_features, query_labels, gallery_features, gallery_labels)
    similarity = query_features @ gallery_features.T
    scores = np.array([
        _score(similarity[row], identity, camera, gallery_labels)
        for row, (identity, camera) in enumerate(zip(*query_labels))], dtype=np.float64)
    if np.isnan(scores).all():
        raise ValueError('no query has a match in another camera of the gallery; '
                         'give identities that are seen by at least two cameras')
    return Ranking(first_hit=scores[:, 0], average_precision=scores[:, 1],
                   inverse_negative_penalty=scores[:, 2])


def _score(similarity: NDArray[np.float32], identity: int, camera: int,
           gallery: Labels) -> tuple[float, float, float]:
    same_identity = gallery.identities == identity
    kept = ~(same_identity & (gallery.cameras == camera)) & (gallery.identities != JUNK)
    match = same_identity[kept]
    if not match.any():
        return (float('nan'),) * 3
    match = match[np.lexsort((match, -similarity[kept]))]  # last key sorts first
    hits = np.flatnonzero(match)
    precision = np.arange(1, len(hits) + 1) / (hits + 1)
    return float(hits[0] + 1), float(precision.mean()), len(hits) / float(hits[-1] + 1)


def _check(query_features: NDArray[np.float32], query_labels: Labels,
           gallery_features: NDArray[np.float32], gallery_labels: Labels) -> None:
    for name, features, labels in (('query', query_features, query_labels),
                                   ('gallery', gallery_features, gallery_labels)):
        sizes = {len(features), len(labels.identities), len(labels.cameras)}
        if len(sizes) != 1 or sizes == {0}:
            raise ValueError(f'{name} has {len(features)} features, {len(labels.identities)} '
                             f'identities and {len(labels.cameras)} cameras; give one per picture')
    if np.isin(query_labels.identities, (JUNK, DISTRACTOR)).any():
        raise ValueError(f'query identities hold {JUNK} (junk) or {DISTRACTOR} (distractor); '
                         'these belong in the gallery only')
