"""The tables of the results, in Markdown."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MISSING = '–'
NAMES = {
    'raw': 'raw crops, no protection',
    'another_person': 'floor: another person',
    'mean_image': 'floor: mean image of other people',
    'mid_grey': 'floor: mid-grey',
    'solid_black': 'floor: solid black',
    'pixelation_16': 'pixelation, 16 px blocks',
    'blur_6': 'Gaussian blur, sigma 6 px',
    'nearest_identity': 'nearest identity of the store, no fusion',
    'own_code': 'own code, decoded: the generator at its best, no protection',
    'paper': 'Latent-RAG, preset `paper`',
    'robot': '**Latent-RAG, preset `robot`**',
}
PRESET_ORDER = ('paper', 'robot')
"""Order of the presets in the table: the one of most interest last, below what it is read by."""
HEAD = ('picture', 'PSNR [dB]', 'SSIM', 'prot→raw', 'raw→prot', 'prot→prot',
        'prot→raw, unseen net')


def results_table(results: Mapping[str, Any]) -> str:
    """Return the Markdown table of one results file, with the line that says what it is.

    Rank-1 / mAP are in per cent; raw crops stand in the row of raw→raw. Raises `KeyError` when
    `results` is not what `latent-rag evaluate latent-rag` writes.
    """
    about = results['about']
    rows = [_raw_row(results['raw'])]
    rows += [_row(NAMES[name], figures) for name, figures in results['floors'].items()]
    rows.append(_row(NAMES['own_code'], results['own_code']))
    for preset in (name for name in PRESET_ORDER if name in results):
        rows.append(_row(NAMES[preset], results[preset]))
        rows.append(_row(f'{NAMES[preset]}, after JPEG q{about["jpeg_quality"]}',
                         results[preset]['jpeg']))
    lines = [_line(HEAD), _line(['---'] + ['---:'] * (len(HEAD) - 1)), *map(_line, rows)]
    return '\n'.join([*lines, '', _caption(about, results)])


def _caption(about: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    text = (f'Rank-1 / mAP in per cent, query→gallery, same identity and camera removed, raw→raw '
            f'in the first row; '
            f'{about["split"]} split, {about["crops"]} crops of {about["identities"]} '
            f'{about.get("people", "held-out synthetic")} people in {about["cameras"]} cameras; '
            f'open store: none of them is in it. 8-bit images.')
    for preset in PRESET_ORDER:
        if preset in results:
            low, high = results[preset]['prot_raw']['map_ci95']
            text += (f' `{preset}`: 95 % interval of the prot→raw mAP '
                     f'{100 * low:.1f} .. {100 * high:.1f} (bootstrap over identities).')
    return f'{text} Made by `{about["command"]}`.'


def _raw_row(raw: Mapping[str, Any]) -> list[str]:
    own = _pair(raw['raw_raw'])
    return [NAMES['raw'], MISSING, MISSING, own, own, own,
            _pair(raw.get('unseen', {}).get('raw_raw'))]


def _row(name: str, figures: Mapping[str, Any]) -> list[str]:
    pairs = [_pair(figures[setting]) for setting in ('prot_raw', 'raw_prot', 'prot_prot')]
    return [name, f'{figures["psnr_db"]:.2f}', f'{figures["ssim"]:.3f}', *pairs,
            _pair(figures.get('unseen', {}).get('prot_raw'))]


def _pair(scores: Mapping[str, float] | None) -> str:
    if scores is None:
        return MISSING
    return f'{100 * scores["rank1"]:.1f} / {100 * scores["map"]:.1f}'


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f'| {" | ".join(cells)} |'


COVERAGE_NAMES = {
    'clip': 'shipped clip, people walk through the picture',
    'frames': 'held-out single frames, everybody is seen for the first time',
    'video': 'video without person masks',
}


def coverage_table(results: Mapping[str, Any]) -> str:
    """Return the Markdown table of one coverage results file, with the line that says what it is.

    Raises `KeyError` when `results` is not what `latent-rag evaluate coverage` writes.
    """
    head = ('source', 'frames', 'blanked', 'persons in view', 'person pixels not covered [%]',
            'persons less than 99 % covered', 'input pixels inside the covered region')
    rows = [_line(head), _line(['---'] + ['---:'] * (len(head) - 1))]
    rows += [_line(_coverage_row(name, results[name]))
             for name in COVERAGE_NAMES if name in results]
    about = results['about']
    caption = (f'Method `{about["method"]}`, defaults otherwise. The last column counts copied '
               f'4 x 4 blocks plus pixels that followed the input in {about["repetitions"]} runs '
               f'with other noise. Made by `{about["command"]}`.')
    return '\n'.join([*rows, '', caption])


def _coverage_row(name: str, figures: Mapping[str, Any]) -> list[str]:
    persons, below, uncovered = MISSING, MISSING, MISSING
    if 'person_frames' in figures:
        persons, below = str(figures['person_frames']), str(figures['person_frames_below_99'])
        uncovered = f'{100 * figures["uncovered_share"]:.3f}'
    survived = figures['identical_blocks'] + figures.get('surviving_px', 0)
    return [COVERAGE_NAMES[name], str(figures['frames']), str(figures['frames_blanked']),
            persons, uncovered, below, str(survived)]
