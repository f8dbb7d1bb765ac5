"""The README's tables, rendered from the results, so that text and figures cannot part."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.weights.registry import write_atomically

BEGIN = '<!-- latent_rag results begin -->'
END = '<!-- latent_rag results end -->'
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
    for preset in (name for name in PRESET_ORDER if name in results):
        rows.append(_row(NAMES[preset], results[preset]))
        rows.append(_row(f'{NAMES[preset]}, after JPEG q{about["jpeg_quality"]}',
                         results[preset]['jpeg']))
    lines = [_line(HEAD), _line(['---'] + ['---:'] * (len(HEAD) - 1)), *map(_line, rows)]
    return '\n'.join([*lines, '', _caption(about, results)])


def _caption(about: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    text = (f'Rank-1 / mAP in per cent, query→gallery, same identity and camera removed, raw→raw '
            f'in the first row; '
            f'{about["split"]} split, {about["crops"]} crops of {about["identities"]} held-out '
            f'synthetic people in {about["cameras"]} cameras; open store: none of them is in it. '
            f'8-bit images.')
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


def text_between_markers(readme: str) -> str:
    """Return what stands between the markers of a README, without surrounding blank lines.

    Raises `EvaluationError` when the markers are not there once each, in order.
    """
    return _split(readme)[1].strip()


def readme_with_table(readme: str, table: str) -> str:
    """Return the README with `table` between its markers.

    Raises `EvaluationError` when the markers are not there once each, in order.
    """
    before, _, after = _split(readme)
    return f'{before}{BEGIN}\n{table}\n{END}{after}'


def _split(readme: str) -> tuple[str, str, str]:
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise EvaluationError(f'README needs the lines {BEGIN} and {END} once each; add them '
                              'where the results belong')
    before, rest = readme.split(BEGIN)
    if END not in rest:
        raise EvaluationError(f'README has {END} before {BEGIN}; put them in order')
    between, after = rest.split(END)
    return before, between, after


def write_readme_table(path: Path, table: str) -> None:
    """Put `table` between the markers of the README at `path`, whole or not at all.

    Raises `EvaluationError` when the file cannot be read or has no markers.
    """
    try:
        readme = path.read_text(encoding='utf-8')
    except OSError as error:
        raise EvaluationError(f'{path} cannot be read ({error.strerror}); '
                              'name the README that holds the markers') from error
    write_atomically(path, readme_with_table(readme, table).encode())
