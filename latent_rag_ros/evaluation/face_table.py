"""The table of the face evaluation as Markdown: one row per method, a table per set of faces."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latent_rag_ros.evaluation.face_methods import HEADLINE

TITLES = {
    'jpeg': 'original, JPEG 80 (what measuring costs)',
    'resampled': 'original at the size that is drawn (what that costs)',
    'other_head': 'another rendered head in the same scene (a perfect generator)',
    'other_head_reshaped': 'the same with the landmarks of the original',
    'teacher': 'identity-decoupled, teacher, 50 steps', 'blur': 'blur', 'pixelate': 'pixelate',
    'solid': 'solid', 'nearest_swap': 'nearest face of somebody else'}
COLUMNS = ('method', 'faces', 'shown', 'below dlib', 'below faceres', 'below mobileface',
           'below faceres_deep', 'Rank-1 (chance)', 'Rank-1 without that picture', 'pose',
           'gaze', 'gaze against the truth', 'landmarks', 'expression kept', 'face found')
ORACLES = ('dlib', 'faceres', 'mobileface', 'faceres_deep')
MISSING = '–'


def faces_table(one: Mapping[str, Any]) -> str:
    """Return the Markdown table of one set: an entry of `sets` in the results."""
    lines = [_row(COLUMNS), _row(['---', *('---:' for _ in COLUMNS[1:])])]
    return '\n'.join(lines + [_row(_cells(name, row)) for name, row in one['methods'].items()])


def targets_table(results: Mapping[str, Any]) -> str:
    """Return the Markdown table of targets: what was asked for, what it is on the worse set."""
    lines = [_row(('target', 'asked for', 'reached', 'met')), _row(['---', *['---:'] * 3])]
    for row in results['targets']:
        value = MISSING if row['value'] is None else f'{row["value"]:.3g}'
        sign = '≥' if row['is'] == 'min' else '≤'
        asked = MISSING if row['target'] is None else f'{sign} {row["target"]:g}'
        met = {None: MISSING, True: 'yes', False: '**no**'}[row['met']]
        lines.append(_row((row['name'], asked, value, met)))
    return '\n'.join(lines)


def all_tables(results: Mapping[str, Any]) -> str:
    """Return every table with a line above it."""
    parts = [f'{name}: {one["faces"]} faces of {one["people"]} people\n\n{faces_table(one)}'
             f'\n\n{gaze_line(one)}' for name, one in results['sets'].items()]
    return '\n\n'.join([*parts, targets_table(results)])


def gaze_line(one: Mapping[str, Any]) -> str:
    """Return the sentence that the gaze in the table of a set has to be read with."""
    attributes = one['methods'].get('jpeg', {}).get('attributes', {})
    gaze = attributes.get('gaze', {})
    if attributes.get('gaze_deg') is None:
        return 'Gaze: read in no original.'
    line = (f'Gaze: read in {_percent(gaze["measurable_share"])} of the originals in which pose '
            f'is; the mean gaze is {gaze["chance_deg"]:.1f}° from what is read in them')
    if 'label_deg' in gaze:
        line += (f'. Against the truth the reader is wrong by {gaze["label_floor_deg"]:.1f}° in '
                 f'originals, the mean gaze by {gaze["label_chance_deg"]:.1f}°')
    if 'label_pose_deg' in gaze:
        line += f', the best linear guess from the true pose by {gaze["label_pose_deg"]:.1f}°'
    return f'{line}.'


def _cells(name: str, row: Mapping[str, Any]) -> list[str]:
    cells = [_title(name), str(row['faces']), _percent(row['shown_share'])]
    if 'oracles' not in row:
        return cells + [MISSING] * (len(COLUMNS) - len(cells))
    held_out, attributes = row['held_out'], row['attributes']
    return [*cells, *(_percent(row['oracles'][oracle]['below_threshold']) for oracle in ORACLES),
            f'{_percent(held_out["rank1"])} ({_percent(held_out["rank1_chance"])})',
            _percent(held_out.get('rank1_other_pictures')),
            _number(attributes.get('pose_deg'), '°'), _number(attributes.get('gaze_deg'), '°'),
            _number(attributes.get('gaze', {}).get('label_deg'), '°'),
            *(_percent(attributes.get(name))
              for name in ('landmarks_nme', 'expression_keep', 'face_found'))]


def _title(name: str) -> str:
    if not name.startswith('lcm_'):
        return TITLES.get(name, name)
    steps, _, noise = name.removeprefix('lcm_').partition('_noise_')
    counted = f'{steps} step{"s" * (steps != "1")}'
    if noise:
        return f'{counted}, noise {noise} on attributes'
    title = f'identity-decoupled, {counted}'
    return f'**{title}**' if name == HEADLINE else title


def _percent(share: float | None) -> str:
    return MISSING if share is None else f'{100 * share:.1f} %'


def _number(value: float | None, unit: str) -> str:
    return MISSING if value is None else f'{value:.1f}{unit}'


def _row(cells: object) -> str:
    return f'| {" | ".join(cells)} |'
