"""The table of `docs/gallery.md`, from `results/gallery.json`."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COLUMNS = (
    ('rendered', 'rendered, true boxes'), ('rendered_naive', 'naive'),
    ('filter', 'rendered, whole filter'), ('filter_naive', 'naive'),
    ('vtest', 'vtest, whole filter'), ('vtest_naive', 'naive'))
ROWS = (
    ('idf1', 'IDF1 over all cameras', '.3f'), ('id_switches', 'identity switches', 'd'),
    ('returning_rank1', 'Rank-1 of returning people', '.3f'),
    ('returning_recognised', 'returning visits that end with the right identity', '.3f'),
    ('strangers_accepted', 'first visits with the identity of somebody else', '.3f'),
    ('false_merges', 'identities of more than one person', 'd'),
    ('false_accept_rate', 'false accept rate, every visit as a stranger', '.4f'),
    ('far_ratio', 'the same, relative to the calibrated rate', '.2f'),
    ('identities', 'identities made', 'd'), ('people', 'people', 'd'), ('visits', 'visits', 'd'))


def gallery_table(results: Mapping[str, Any]) -> str:
    """Return the figures of people and of the search as Markdown.

    Raises `KeyError` when a figure is missing; the parts of the filter and of vtest may be.
    """
    columns = [(results[name], head) for name, head in COLUMNS
               if name in results or name.startswith('rendered')]
    lines = ['| | ' + ' | '.join(head for _, head in columns) + ' |',
             '|---' * (len(columns) + 1) + '|']
    for key, name, form in ROWS:
        cells = [_cell(part, key, form) for part, _ in columns]
        lines.append(f'| {name} | ' + ' | '.join(cells) + ' |')
    about, rendered, faiss = results['about'], results['rendered'], results['faiss']
    lines += [
        '', f'Rendered: {about["people_per_seed"]} people, {about["visits"]} visits each, '
        f'{about["cameras_per_seed"]} cameras, for each of the seeds '
        f'{", ".join(map(str, about["seeds"]))}; false accepts of {rendered["impostor_trials"]} '
        f'trials, 95 % interval of the ratio {rendered["far_ratio_low"]:.2f} to '
        f'{rendered["far_ratio_high"]:.2f}. Embedder `{about["model"]}`.', '',
        '| search | |', '|---|---|',
        f'| exact, {faiss["features"]:,} features of {faiss["dimension"]} numbers, '
        f'{faiss["cores"]} cores | {faiss["queries_per_s"]:.0f} people/s in frames of '
        f'{faiss["people_per_frame"]}, {faiss["single_queries_per_s"]:.0f} alone |',
        f'| one person | {_times(faiss, "")} |',
        f'| a frame of {faiss["people_per_frame"]} | {_times(faiss, "frame_")} |',
        '| the same with tracks and learning, from message to answer | '
        f'{_times(faiss, "identify_")} |',
        f'| memory | {faiss["memory_mb"]:.0f} MB |',
        f'| by clusters, {faiss["features_1m"]:,} features | recall {faiss["recall_1m"]:.3f} '
        f'against exact ({faiss["clusters_read_1m"]} of {faiss["clusters_1m"]} clusters read), '
        f'a frame of {faiss["people_per_frame"]} {_times(faiss, "frame_1m_")}; '
        f'{faiss["memory_1m_mb"]:.0f} MB, built in {faiss["build_1m_s"]:.0f} s |',
        f'| exact, {faiss["features_1m"]:,} features | a frame of {faiss["people_per_frame"]} '
        f'{_times(faiss, "exact_frame_1m_")}; {faiss["exact_memory_1m_mb"]:.0f} MB |',
        '', 'Made by `latent-rag evaluate gallery`.']
    return '\n'.join(lines)


def _times(faiss: Mapping[str, Any], name: str) -> str:
    """Return median and 99 % quantile of a duration."""
    return f'{faiss[f"{name}p50_ms"]:.1f} ms, p99 {faiss[f"{name}p99_ms"]:.1f} ms'


def _cell(part: Mapping[str, Any], key: str, form: str) -> str:
    if key not in part:
        return ''
    untried = key == 'returning_rank1' and part.get('genuine_trials') == 0
    return 'nobody tried' if untried else format(part[key], form)
