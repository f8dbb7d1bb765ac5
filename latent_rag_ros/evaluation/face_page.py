"""The face evaluation as one HTML file that needs nothing else: tables, targets, pictures."""
from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.face_table import (
    TITLES, faces_table, gaze_line, targets_table)
from latent_rag_ros.evaluation.html_table import html_table
from latent_rag_ros.evaluation.privacy.sheets import data_uri, sheet

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:88em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;font-size:13px}td,th{border:1px solid #ccc;padding:.3em .6em}
td+td,th+th{text-align:right}figure{margin:1em 0}figcaption{color:#444}img{max-width:100%}"""


def face_page(results: Mapping[str, Any], pictures: Mapping[str, NDArray[np.uint8]]) -> str:
    """Return the page.

    Parameters
    ----------
    results : Mapping
        Of `latent-rag evaluate faces`.
    pictures : Mapping
        Rendered faces by method, each (n, h, w, 3), uint8, RGB; `original` is among them. None of
        a person who looks real may be given.
    """
    about, bits, speed = results['about'], results['leak_bits'], results['ms']
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<title>Faces with another identity</title><style>{STYLE}</style></head><body>',
        '<h1>Faces with another identity</h1>',
        f'<p>By <code>{html.escape(about["command"])}</code> on {html.escape(about["device"])}. '
        'Below: share of the faces that are shown for which an oracle does not reach its impostor '
        'threshold; mobileface and faceres_deep are held out. Rank-1: the original that is most '
        'alike, its own picture among them. Pose, landmarks and expression are told by networks '
        'that took part in nothing, gaze by one that was trained on rendered faces for this; '
        'each against what it says of the original.</p>']
    for name, one in results['sets'].items():
        parts += [f'<h2>{html.escape(name)}: {one["faces"]} faces of {one["people"]} people</h2>',
                  html_table(faces_table(one)), f'<p>{html.escape(gaze_line(one))}</p>']
    parts += [
        '<h2>Targets, on the worse set</h2>', html_table(targets_table(results)),
        '<h2>What a face tells by design</h2>',
        f'<p>Sampler: at most {_bits(bits, "sampler")}; identity and attribute code share between '
        f'{_bits(bits, "mine")} (MINE) and {_bits(bits, "club")} (CLUB), estimated on '
        f'{bits["pairs"]} faces. A probe names {100 * bits["identity_probe"]["accuracy"]:.1f} % '
        f'of the people from the attribute code, chance '
        f'{100 * bits["identity_probe"]["chance"]:.1f} %.</p>',
        f'<p>One face takes {speed["lcm"]:.0f} ms in four steps'
        + ('' if speed['teacher'] is None else f', {speed["teacher"]:.0f} ms by the teacher')
        + f'; {speed["threads"]} threads, load {speed["load_average"]:.1f}.</p>']
    if pictures:
        parts += ['<h2>Rendered faces</h2>', _sheet(pictures)]
    parts.append(f'<p>versions: {html.escape(str(about["versions"]))}</p></body></html>')
    return '\n'.join(parts)


def _bits(bits: Mapping[str, Any], name: str) -> str:
    low, high = bits[f'{name}_ci95']
    return f'{bits[name]:.2f} bits (95 % {low:.2f} to {high:.2f})'


def _sheet(pictures: Mapping[str, NDArray[np.uint8]]) -> str:
    count = min(len(images) for images in pictures.values())
    rows = {name: images[:count] for name, images in pictures.items()}
    names = html.escape(', '.join(TITLES.get(name, name).replace('**', '') for name in rows))
    return (f'<figure><img alt="faces" src="{data_uri(sheet(rows))}"><figcaption>Rows: {names}. '
            'Grey: the filter covers this face.</figcaption></figure>')
