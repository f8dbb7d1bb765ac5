"""How well people are found again: ranking and verification, raw and protected, both ways."""
from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.figures import Figures, with_interval
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.ranking import DISTRACTOR, Labels, rank
from latent_rag_ros.evaluation.verification_rate import Pairs, true_accept_rate

PAIRS_MAX = 200_000
"""Pairs that the true accept rate is counted on; more are drawn from at random."""
RESAMPLES = 100

Features = NDArray[np.float32]


def reid_figures(raw: Mapping[str, Features], protected: Mapping[str, Features],
                 people: HeldOutPeople, verifies: bool = True) -> Figures:
    """Return the figures of every network in the four settings, query first.

    Parameters
    ----------
    raw, protected : Mapping
        Features by network, each (n, d), rows of unit length, in the order of `people`.
    people : HeldOutPeople
        Labels, and which crops are queries.
    verifies : bool
        Whether the true accept rate is counted as well.

    Returns
    -------
    dict
        `<network>.<setting>` with `rank1`, `rank5`, `rank10`, `map`, `minp` and
        `tar_at_far_1pct`; settings `raw_raw`, `prot_raw`, `raw_prot`, `prot_prot`. Rank-1, mAP and
        the true accept rate have their intervals beside them.
    """
    figures: Figures = {}
    for network, of_protected in protected.items():
        of_raw = raw[network]
        settings = {'raw_raw': (of_raw, of_raw), 'prot_raw': (of_protected, of_raw),
                    'raw_prot': (of_raw, of_protected), 'prot_prot': (of_protected, of_protected)}
        figures[network] = {
            setting: setting_figures(query, gallery, people, verifies)
            for setting, (query, gallery) in settings.items()}
    return figures


def setting_figures(query: Features, gallery: Features, people: HeldOutPeople,
                    verifies: bool = True) -> Figures:
    """Return the figures of one setting; both have one row per crop of `people`."""
    asked = searched = people.labels
    if people.queries is not None:
        query, gallery = query[people.queries], gallery[~people.queries]
        asked, searched = (Labels(asked.identities[rows], asked.cameras[rows])
                           for rows in (people.queries, ~people.queries))
    ranking = rank(query, asked, gallery, searched)
    figures = (with_interval('rank1', ranking.first_is_match, asked.identities)
               | with_interval('map', ranking.average_precision, asked.identities))
    for name, values in (('rank5', ranking.hit_within(5)), ('rank10', ranking.hit_within(10)),
                         ('minp', ranking.inverse_negative_penalty)):
        figures[name] = round(float(np.nanmean(values)), 4)
    if verifies:
        figures |= _verification(query, asked, gallery, searched)
    return figures


def _verification(query: Features, asked: Labels, gallery: Features,
                  searched: Labels) -> Figures:
    found = true_accept_rate(cross_pairs(query, asked, gallery, searched), resamples=RESAMPLES)
    return {'tar_at_far_1pct': round(found.rate, 4),
            'tar_at_far_1pct_ci95': [round(end, 4) for end in found.interval]}


def cross_pairs(query: Features, asked: Labels, gallery: Features, searched: Labels,
                pairs_max: int = PAIRS_MAX, seed: int = 0) -> Pairs:
    """Return the pairs of a query and a gallery picture of another camera.

    Junk and distractors are in no pair. Above `pairs_max` all genuine pairs stay, and impostor
    pairs are drawn at random.
    """
    similarity = query @ gallery.T
    kept = ((asked.cameras[:, np.newaxis] != searched.cameras)
            & (searched.identities > DISTRACTOR))
    one, other = np.nonzero(kept)
    if len(one) > pairs_max:
        genuine = asked.identities[one] == searched.identities[other]
        drawn = np.random.default_rng(seed).random(len(one)) < pairs_max / len(one)
        one, other = one[genuine | drawn], other[genuine | drawn]
    _, numbers = np.unique(np.concatenate([asked.identities, searched.identities]),
                           return_inverse=True)
    return Pairs(similarity[one, other], numbers[:len(asked.identities)][one],
                 numbers[len(asked.identities):][other])
