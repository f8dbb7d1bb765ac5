"""The feature evaluation as one HTML file that needs nothing else: table, plot, pictures."""
from __future__ import annotations

import base64
import html
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from latent_rag_ros.evaluation.attacks.interface import Images
from latent_rag_ros.evaluation.feature_claim import targets_table
from latent_rag_ros.evaluation.feature_table import features_table, measured_rows, title
from latent_rag_ros.evaluation.html_table import html_table

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em}
table{border-collapse:collapse;font-size:13px}td,th{border:1px solid #ccc;padding:.3em .6em}
td+td,th+th{text-align:right}figure{margin:1em 0}figcaption{color:#444}
img{image-rendering:pixelated;max-width:100%}"""
PLOT_WIDTH_PX, PLOT_HEIGHT_PX, MARGIN_PX = 640, 360, 48


def feature_page(results: Mapping[str, Any], originals: Images,
                 shown: Mapping[tuple[str, str], Images]) -> str:
    """Return the page.

    Parameters
    ----------
    results : Mapping
        Of `latent-rag evaluate features`.
    originals : NDArray
        Rendered pictures whose features were reversed, shape (n, 128, 64, 3), uint8, RGB.
    shown : Mapping
        What attackers made of them, by extractor and attacker, each as `originals`.
    """
    about = results['about']
    steps = ', '.join(f'{name} {count}' for name, count in about['attacker_iterations'].items())
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<title>Features turned back into pictures</title>',
        f'<style>{STYLE}</style></head><body>',
        '<h1>Features turned back into pictures</h1>',
        f'<p>{about["attacker_seeds"]} fresh attackers of each kind per row, '
        f'iterations: {html.escape(steps)}, on {html.escape(about["device"])}, by '
        f'<code>{html.escape(about["command"])}</code>. Skill: share of the person that is '
        'explained beyond the mean picture, 0 is the floor. Rank-1: of the reversed picture, by a '
        'network that took part in nothing. Everybody shown is rendered.</p>',
        html_table(features_table(results)), html_table(targets_table(results)), _plot(results),
        _sheet('originals', originals)]
    parts += [_sheet(f'{title(extractor)}: {attacker}', pictures)
              for (extractor, attacker), pictures in shown.items()]
    parts.append(f'<p>versions: {html.escape(str(about["versions"]))}</p></body></html>')
    return '\n'.join(parts)


def _plot(results: Mapping[str, Any]) -> str:
    """Return utility over reversibility as SVG: the best place is at the upper left."""
    rows = measured_rows(results)
    points = {name: (row['attacks'][row['strongest']['skill']]['skill'], row['map'])
              for name, row in rows.items()}
    right = max(0.05, *(skill for skill, _ in points.values())) * 1.25
    width, height = PLOT_WIDTH_PX - 2 * MARGIN_PX, PLOT_HEIGHT_PX - 2 * MARGIN_PX
    marks = []
    for name, (skill, utility) in points.items():
        x = MARGIN_PX + width * max(0.0, skill) / right
        y = MARGIN_PX + height * (1 - utility)
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#1f6feb"/>'
                     f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" font-size="12">'
                     f'{html.escape(name)}</text>')
    bottom = MARGIN_PX + height
    return (f'<figure><svg width="{PLOT_WIDTH_PX}" height="{PLOT_HEIGHT_PX}" role="img">'
            f'<path d="M{MARGIN_PX} {MARGIN_PX}V{bottom}H{MARGIN_PX + width}" fill="none" '
            f'stroke="#444"/><text x="{MARGIN_PX}" y="{MARGIN_PX - 12}" font-size="12">mAP 1'
            f'</text><text x="{MARGIN_PX + width - 150}" y="{bottom + 24}" font-size="12">'
            f'skill of the strongest attacker, to {right:.2f}</text>{"".join(marks)}</svg>'
            '<figcaption>Utility over reversibility.</figcaption></figure>')


def _sheet(caption: str, pictures: Images) -> str:
    """Return pictures side by side as an embedded PNG with a caption."""
    strip = np.concatenate(list(pictures), axis=1)
    encoded = cv2.imencode('.png', cv2.cvtColor(strip, cv2.COLOR_RGB2BGR))[1]
    data = base64.b64encode(encoded.tobytes()).decode('ascii')
    text = html.escape(caption.replace('**', ''))
    return (f'<figure><figcaption>{text}</figcaption>'
            f'<img alt="{text}" src="data:image/png;base64,{data}"></figure>')
