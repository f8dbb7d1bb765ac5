"""The table of the feature evaluation as Markdown: one row per extractor, floors below."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latent_rag_ros.evaluation.feature_summary import NOT_EXTRACTORS

TITLES = {
    'plain': 'plain extractor', 'protected': '**protected extractor (head, against a GAN)**',
    'decoder_protected': 'head trained against a decoder', 'keyed': 'plain, secret rotation',
    'noise': 'plain, Gaussian noise {} % per number', 'dimensions': 'plain, {} of 256 components'}
COLUMNS = ('features', 'mAP', 'of protected pictures', 'skill, strongest attacker',
           'Rank-1 of reversed pictures', 'of the nearest own picture', 'torso colour',
           'legs colour', 'body', 'build', 'hair', 'URR ratio', 'URR norm')
FLOORS = {'mean_image': 'floor: mean picture, most frequent class',
          'mean_person': 'floor: mean person, most frequent class'}
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
            title(name), _percent(row['map']), _matched(row),
            f'{row["attacks"][best["skill"]]["skill"]:.3f} ({best["skill"]})',
            f'{_percent(row["attacks"][best["rank1"]]["rank1"])} ({best["rank1"]})',
            _percent(row['floors']['nearest_picture']['rank1']),
            *(_percent(row['attributes'][name]['accuracy']) for name in ATTRIBUTES),
            f'{row["urr_ratio"]:.2f}',
            '–' if row['urr_norm'] is None else f'{row["urr_norm"]:.2f}']))
    chances = next(iter(rows.values()))['attributes']
    for name, text in FLOORS.items():
        floor = results['floors'][name]
        lines.append(_row([text, '–', '–', f'{floor["skill"] + 0.0:.3f}', _percent(floor['rank1']),
                           '–', *(_percent(chances[name]['chance']) for name in ATTRIBUTES),
                           '–', '–']))
    return '\n'.join([*lines, '', _caption(results)])


def _caption(results: Mapping[str, Any]) -> str:
    about = results['about']
    originals = _percent(results['floors']['original']['rank1'])
    return ('Per cent, but for ratios and skill: the share of a person that a reversed picture '
            'explains beyond the mean picture. Rank-1: how often an independent network '
            f'recognises the reversed picture (the originals: {originals}), and the picture that '
            'the attacker has of whoever has the nearest feature. '
            f'{about["attacker_seeds"]} fresh attackers of each kind per row, the strongest '
            f'counts; held-out synthetic people. Made by `{about["command"]}`.')


def _matched(row: Mapping[str, Any]) -> str:
    return _percent(row['protected_pictures']['prot_raw']['map']) if (
        'protected_pictures' in row) else '–'


def _row(cells: object) -> str:
    return f'| {" | ".join(cells)} |'


def _percent(share: float) -> str:
    return f'{100 * share:.1f}'
