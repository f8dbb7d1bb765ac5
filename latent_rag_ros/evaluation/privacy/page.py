"""One HTML page of a privacy evaluation that needs nothing beside it: no file, no network."""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.privacy.claim import TARGETS_HEAD, targets_rows
from latent_rag_ros.evaluation.privacy.plot import Axes, Dot, scatter
from latent_rag_ros.evaluation.privacy.run import Evaluated
from latent_rag_ros.evaluation.privacy.sheets import Images, data_uri, rows_of, sheet
from latent_rag_ros.evaluation.privacy.tables import (
    FLOOR_TITLES, HEAD, MISSING, best, caption, rows)
from latent_rag_ros.weights.registry import write_atomically

Figures = Mapping[str, Any]
SKILL_DRAWN_DB_MAX = 8.0
STYLE = '''
body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1200px;padding:0 1em}
body{color:#1c2430}
table{border-collapse:collapse;margin:1em 0;font-size:13px}
th,td{border-bottom:1px solid #d5dbe3;padding:3px 8px;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left;white-space:normal}
th{position:sticky;top:0;background:#f2f5f8}
svg{max-width:640px;width:100%}svg text{font-size:11px;fill:#1c2430}
svg line{stroke:#8794a6}figure{margin:1em 0}img{max-width:100%;image-rendering:pixelated}
small{color:#5a6675}.wide{overflow-x:auto}
'''


def write_page(path: Path, evaluated: Evaluated) -> None:
    """Write the page. Raises `EvaluationError` when the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, page(evaluated).encode())
    except OSError as error:
        raise EvaluationError(f'{path} cannot be written ({error.strerror}); '
                              'choose another file with --page') from error


def page(evaluated: Evaluated) -> str:
    """Return the page: overview, plots, contact sheets, every table, and where all comes from."""
    results = evaluated.figures
    sections = [
        _section('Overview', _table(HEAD, rows(results))
                 + f'<p>{_markdown(caption(results))}'),
        _section('Targets', _table(TARGETS_HEAD, targets_rows(results))),
        _section('Privacy against utility', _plots(results)),
        _section('What an attacker sees and draws', _sheets(evaluated)),
        _section('Attackers', _attacks(results)),
        _section('How unlike the original', _protection(results)),
        _section('Who is found again', _reid(results)),
        _section('After JPEG', _jpeg(results)),
        _section('Origin', _origin(results))]
    return ('<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f'<title>Privacy evaluation of latent_rag_ros</title><style>{STYLE}</style>'
            f'<h1>Privacy evaluation of latent_rag_ros</h1>{"".join(sections)}</html>\n')


def _plots(results: Figures) -> str:
    chance = next((attack['colour_chance'] for figures in results['methods'].values()
                   for attack in figures['attacks'].values() if 'colour_chance' in attack), 0.0)
    plots = (('skill_psnr_db', 1, 'skill of the best recovery [dB]', 0.0, 'mean image'),
             ('colour_accuracy', 100, 'clothing colour told [%]', 100 * chance, 'chance'),
             ('rank1', 100, 'recovered→raw Rank-1 of the best attacker [%]', 0.0, 'nobody found'))
    drawn = []
    for name, scale, label, level, level_name in plots:
        dots = [_dot(method, figures, name, scale)
                for method, figures in results['methods'].items() if best(figures, name)]
        axes = Axes('prot→raw mAP of the authorised network [%]', label, (0, 100), level,
                    level_name)
        drawn.append(f'<figure>{scatter(dots, axes)}</figure>')
    return ('<p>Right is useful, low is private. Lines are 95 % intervals over identities; green '
            f'presets, orange baselines, grey ablations. Skills above {SKILL_DRAWN_DB_MAX:g} dB '
            f'are drawn there.</p>{"".join(drawn)}')


def _dot(method: str, figures: Figures, name: str, scale: int) -> Dot:
    value, attacker = best(figures, name)
    x = 100 * figures['reid']['authorised']['prot_raw']['map']
    if name == 'skill_psnr_db' and value > SKILL_DRAWN_DB_MAX:
        return Dot(x, SKILL_DRAWN_DB_MAX, f'{method} ({value:.0f})', figures['group'])
    ends = figures['attacks'][attacker].get(f'{name}_ci95')
    return Dot(x, scale * value, method, figures['group'],
               ends and (scale * ends[0], scale * ends[1]))


def _sheets(evaluated: Evaluated) -> str:
    if not evaluated.pictures:
        return ('<p>The measured people are real: none of their pictures is shown, and none was '
                'written to disk.</p>')
    figures, ablations = [], {'original': evaluated.pictures['original']}
    for method, entry in evaluated.figures['methods'].items():
        lines = rows_of(evaluated.pictures, method)
        if entry['group'] == 'ablation':
            ablations[entry['title']] = lines['protected']
        else:
            figures.append(_figure(entry['title'], lines))
    if len(ablations) > 1:
        figures.append(_figure('Ablations', ablations))
    return '<p>Rendered people, who do not exist.</p>' + ''.join(figures)


def _figure(title: str, lines: Mapping[str, Images]) -> str:
    text = f'{_markdown(title)}. Rows: {_markdown(", ".join(lines))}.'
    return (f'<figure><img alt="{escape(title)}" src="{data_uri(sheet(lines))}">'
            f'<figcaption>{text}</figcaption></figure>')


def _attacks(results: Figures) -> str:
    names = ('skill_psnr_db', 'psnr_db', 'ssim', 'skill_ssim', 'rank1', 'rank1_authorised', 'map',
             'colour_accuracy', 'colour_chance', 'silhouette_iou', 'silhouette_chance',
             'iterations', 'pairs')
    lines = [[method, attacker, *(_value(attack, name) for name in names)]
             for method, figures in results['methods'].items()
             for attacker, attack in figures['attacks'].items()]
    return _table(('method', 'attacker', *names), lines)


def _protection(results: Figures) -> str:
    parts = {FLOOR_TITLES[name]: figures for name, figures in results['floors'].items()}
    parts |= results['methods']
    known = [figures.get('protection', figures) for figures in parts.values()]
    names = [name for name, value in known[0].items() if isinstance(value, float)]
    return _table(('method', *names), [
        [method, *(_value(figures, name) for name in names)]
        for method, figures in zip(parts, known)])


def _reid(results: Figures) -> str:
    names = ('rank1', 'rank5', 'rank10', 'map', 'minp', 'tar_at_far_1pct')
    lines = [[method, network, setting, *(_value(figures, name) for name in names)]
             for method, entry in results['methods'].items()
             for network, settings in entry['reid'].items()
             for setting, figures in settings.items() if setting != 'raw_raw']
    raw = [['raw', network, 'raw_raw', *(_value(figures, name) for name in names)]
           for network, figures in results['raw']['reid'].items()]
    return _table(('method', 'network', 'query_gallery', *names), raw + lines)


def _jpeg(results: Figures) -> str:
    lines = [[method, _value(entry['jpeg']['protection'], 'psnr_db'),
              _value(entry['jpeg']['protection'], 'ssim'),
              *(f'{network} {_value(settings["prot_raw"], "map")}'
                for network, settings in entry['jpeg']['reid'].items())]
             for method, entry in results['methods'].items()]
    networks = max((len(line) for line in lines), default=3) - 3
    return _table(('method', 'psnr_db', 'ssim', *['prot→raw mAP'] * networks), lines)


def _origin(results: Figures) -> str:
    about = results['about']
    lines = [[name, escape(str(value))] for name, value in about.items()
             if not isinstance(value, Mapping)]
    for part in ('versions', 'weights_sha256'):
        lines += [[f'{part}: {name}', escape(str(value))] for name, value in about[part].items()]
    return _table(('what', 'value'), lines)


def _value(figures: Figures, name: str) -> str:
    value = figures.get(name)
    if value is None:
        return MISSING
    text = f'{value:.3f}' if isinstance(value, float) else str(value)
    ends = figures.get(f'{name}_ci95')
    return text if ends is None else f'{text} <small>{ends[0]:.3f} .. {ends[1]:.3f}</small>'


def _section(title: str, body: str) -> str:
    return f'<h2>{escape(title)}</h2>{body}'


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a table; cells may hold markup, their Markdown emphasis is turned into it."""
    top = ''.join(f'<th>{escape(cell)}</th>' for cell in head)
    body = ''.join(f'<tr>{"".join(f"<td>{_markdown(cell, False)}</td>" for cell in line)}</tr>'
                   for line in lines)
    return f'<div class="wide"><table><tr>{top}</tr>{body}</table></div>'


def _markdown(text: str, escapes: bool = True) -> str:
    text = escape(text) if escapes else text
    text = re.sub(r'\*\*(.+?)\*\*', r'<strong>\1</strong>', text)
    return re.sub(r'`(.+?)`', r'<code>\1</code>', text)
