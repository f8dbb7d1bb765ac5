"""The table of the feature evaluation as Markdown: one row per extractor, floors below."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latent_rag_ros.evaluation.feature_summary import NOT_EXTRACTORS

TITLES = {
    'plain': 'plain extractor', 'protected': '**protected extractor (GAN reversal)**',
    'decoder_protected': 'trained against a decoder', 'keyed': 'plain, secret rotation',
    'noise': 'plain, Gaussian noise {} % per number', 'dimensions': 'plain, {} of 256 components'}
COLUMNS = ('features', 'mAP', 'skill, strongest attacker', 'Rank-1 of reversed pictures',
           'torso colour', 'legs colour', 'body', 'build', 'hair', 'URR ratio', 'URR norm')
ATTRIBUTES = ('torso_colour', 'legs_colour', 'body', 'build', 'hair')


def title(name: str) -> str:
    """Return what tables call an extractor."""
    kind, _, number = name.partition('_')
    return TITLES.get(name, TITLES.get(kind, name)).format(number.lstrip('0'))


def measured_rows(results: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the figures of every extractor that was measured, by name."""
    return {name: row for name, row in results.items()
            if name not in NOT_EXTRACTORS and 'skipped' not in row}


def features_table(results: Mapping[str, Any]) -> str:
    """Return the Markdown table of the results of `latent-rag evaluate features`."""
    lines = [_row(COLUMNS), _row(['---', *('---:' for _ in COLUMNS[1:])])]
    rows = measured_rows(results)
    for name, row in rows.items():
        best = row['strongest']
        lines.append(_row([
            title(name), _percent(row['map']),
            f'{row["attacks"][best["skill"]]["skill"]:.3f} ({best["skill"]})',
            f'{_percent(row["attacks"][best["rank1"]]["rank1"])} ({best["rank1"]})',
            *(_percent(row['attributes'][name]['accuracy']) for name in ATTRIBUTES),
            f'{row["urr_ratio"]:.2f}',
            '–' if row['urr_norm'] is None else f'{row["urr_norm"]:.2f}']))
    chances = next(iter(rows.values()))['attributes']
    floor = results['floors']['mean_image']
    lines.append(_row(['floor: mean picture, most frequent class', '–',
                       f'{floor["skill"] + 0.0:.3f}', _percent(floor['rank1']),
                       *(_percent(chances[name]['chance']) for name in ATTRIBUTES), '–', '–']))
    return '\n'.join(lines)


def _row(cells: object) -> str:
    return f'| {" | ".join(cells)} |'


def _percent(share: float) -> str:
    return f'{100 * share:.1f}'
