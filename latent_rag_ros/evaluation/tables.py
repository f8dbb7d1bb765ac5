"""The tables of the results, in Markdown."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latent_rag_ros.coverage_presets import COVERAGE_PRESETS

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
    'robot_t10': 'Latent-RAG, preset `robot` by ten gradient steps',
    'robot': '**Latent-RAG, preset `robot`**',
}
PRESET_ORDER = ('paper', 'robot_t10', 'robot')
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


SOURCE_NAMES = {
    'rendered_clip': 'shipped clip, people walk through the picture',
    'rendered_frames': 'held-out single frames, everybody is seen for the first time',
    'vtest': 'real pedestrians, labels of `vtest.avi`',
    'video': 'video without person masks',
}


def coverage_table(results: Mapping[str, Any]) -> str:
    """Return the Markdown tables of one coverage results file, with the lines that say what it is.

    Raises `KeyError` when `results` is not what `latent-rag evaluate coverage` writes.
    """
    tables = [_preset_table(results)]
    if results['leakage']:
        tables.append(_leakage_table(results))
    return '\n\n'.join([*tables, f'Made by `{results["about"]["command"]}`.'])


def _preset_table(results: Mapping[str, Any]) -> str:
    head = ('frames', '`coverage`', 'person frames less than 99 % covered',
            'person pixels not covered [%]', 'picture covered [%]', 'processor time [ms]')
    rows = [_line(head), _line(['---', '---'] + ['---:'] * (len(head) - 2))]
    for source, name in SOURCE_NAMES.items():
        rows += [_line([name, f'`{preset}`', *_preset_cells(results[preset][source])])
                 for preset in COVERAGE_PRESETS if source in results.get(preset, {})]
    caption = ('Who is covered, and what finding and covering costs per frame (the sum over all '
               'processors, without synthesis); blanked frames do not count. Of `vtest.avi` the '
               'middle of every label counts as the person, half its width and 80 % of its '
               'height: the labels are loose, and not everybody has one.')
    return '\n'.join([*rows, '', caption])


def _preset_cells(figures: Mapping[str, Any]) -> list[str]:
    covered, cost = f'{100 * figures["covered_share"]:.1f}', f'{figures["cpu_ms"]:.0f}'
    if not figures['person_frames']:
        return [MISSING, MISSING, covered, cost]
    below = (f'{100 * figures["person_frames_below_99pct"]:.2f} % '
             f'({figures["person_frames_below_99pct_count"]} of {figures["person_frames"]})')
    return [below, f'{100 * figures["uncovered_pixel_share"]:.3f}', covered, cost]


def _leakage_table(results: Mapping[str, Any]) -> str:
    head = ('frames', 'number', 'blanked', 'pixels covered', 'input pixels that survived there')
    rows = [_line(head), _line(['---'] + ['---:'] * (len(head) - 1))]
    for name, figures in results['leakage'].items():
        survived = figures['identical_blocks'] + figures.get('surviving_px', 0)
        rows.append(_line([SOURCE_NAMES[name], str(figures['frames']),
                           str(figures['frames_blanked']), str(figures['covered_px']),
                           str(survived)]))
    about = results['about']
    caption = (f'Method `{about["method"]}`, defaults otherwise. The last column counts copied '
               f'4 x 4 blocks plus pixels that followed the input in {about["repetitions"]} runs '
               'with other noise.')
    return '\n'.join([*rows, '', caption])
