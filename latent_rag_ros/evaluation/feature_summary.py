"""What follows from the figures of all extractors: means over seeds, ratios, cuts."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.feature_privacy.row_names import PLAIN
from latent_rag_ros.feature_privacy.utility_reversibility import (
    attack_share, urr_norm, urr_ratio)

NOT_EXTRACTORS = ('about', 'floors')
NO_FEATURE = ('mean_image', 'mean_person')
"""Guesses of somebody who has no feature."""

QUALITIES = ('skill', 'rank1', 'ssim')


def averaged(parts: Sequence[Figures]) -> Figures:
    """Return the mean of each figure over seeds; `by_seed` keeps the figures of each."""
    names = [name for name in parts[0] if not name.endswith('_ci95')]
    means: Figures = {name: round(float(np.mean([part[name] for part in parts])), 4)
                      for name in names}
    return means | {'by_seed': list(parts)} if len(parts) > 1 else dict(parts[0])


def strongest(attacks: Figures, figure: str) -> str:
    """Return the attacker with the highest mean of a figure."""
    return max(attacks, key=lambda name: attacks[name][figure])


def with_ratios(results: Figures) -> None:
    """Add strongest attackers, both ratios and the cuts to each extractor, in place.

    `urr_ratio` takes the Rank-1 of reversed pictures for R, `urr_norm` the skill; floors are what
    the better of mean picture and mean person reaches without a feature. `urr_ratio_ssim` and
    `urr_norm_rank1` are the same definitions with the other qualities. `skill_cut` and
    `rank1_cut` are the shares of the plain extractor's leak above the floor that are gone. What
    compares with a plain extractor that leaks nothing is None.
    """
    plain = results[PLAIN]
    floors = {figure: max(results['floors'][guess][figure] for guess in NO_FEATURE)
              for figure in ('skill', 'rank1')}
    best = {figure: plain['attacks'][strongest(plain['attacks'], figure)][figure]
            for figure in floors}
    for name, row in results.items():
        if name in NOT_EXTRACTORS or 'skipped' in row:
            continue
        attacks = row['attacks']
        row['strongest'] = {figure: strongest(attacks, figure) for figure in QUALITIES}
        reached = {figure: attacks[attacker][figure]
                   for figure, attacker in row['strongest'].items()}
        row['urr_ratio'] = round(urr_ratio(row['map'], reached['rank1']), 4)
        row['urr_ratio_ssim'] = round(urr_ratio(row['map'], reached['ssim']), 4)
        norms = {figure: urr_norm(row['map'], reached[figure], plain['map'], best[figure], floor)
                 for figure, floor in floors.items()}
        row['urr_norm'], row['urr_norm_rank1'] = map(_rounded, norms.values())
        row['map_loss_points'] = round(100 * (plain['map'] - row['map']), 2)
        for figure, floor in floors.items():
            share = attack_share(reached[figure], best[figure], floor)
            row[f'{figure}_cut'] = None if share is None else round(1 - share, 4)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
