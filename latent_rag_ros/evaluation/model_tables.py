"""The tables of `results/models.json`, in Markdown: recognition, fidelity, speed, seeds."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latent_rag_ros.evaluation.model_targets import (
    embedder_targets_table, generator_targets_table)
from latent_rag_ros.evaluation.speed import BATCHES
from latent_rag_ros.evaluation.tables import MISSING

RECOGNISERS = {
    'embedder': '**embedder, authorised**',
    'unseen_embedder': 'unseen embedder, measures only',
    'hsv_histogram_masked': 'baseline: HSV histogram inside the person mask',
    'hsv_histogram': 'baseline: HSV histogram of the whole crop',
    'imagenet_mobilenet_v2': 'baseline: MobileNetV2, ImageNet',
    'random_embedder': 'floor: embedder with random weights',
}
PICTURES = {
    'own_code': '**own code, decoded**',
    'mean_image': 'floor: mean image of other people',
    'another_person': 'floor: another person',
}
TIMED = ('embedder', 'unseen_embedder', 'encoder', 'generator')


def models_table(results: Mapping[str, Any]) -> str:
    """Return the Markdown tables of recognition, fidelity, speed and targets with their caption.

    Raises `KeyError` when `results` is not what `latent-rag evaluate models` writes.
    """
    return '\n\n'.join([recognition_table(results), fidelity_table(results),
                        speed_table(results), embedder_targets_table(results),
                        generator_targets_table(results), _caption(results['about'])])


def recognition_table(results: Mapping[str, Any]) -> str:
    """Return Rank-1 and mAP of every network and baseline, synthetic and real."""
    sources = {**results['baselines'],
               **{name: results[name] for name in RECOGNISERS if name in results}}
    rows = [[title, *_recognised(sources[name])] for name, title in RECOGNISERS.items()
            if name in sources]
    return _table(('recognition', 'synthetic: Rank-1', 'mAP', 'vtest: Rank-1', 'mAP',
                   'TAR at FAR 1 %', 'tracks: Rank-1 / mAP'), rows)


def _recognised(figures: Mapping[str, Any]) -> list[str]:
    synthetic, real = figures.get('synthetic', {}), figures.get('vtest', {})
    tracks = real.get('tracks')
    return [_percent(synthetic, 'rank1'), _percent(synthetic, 'map'), _percent(real, 'rank1'),
            _percent(real, 'map'), _percent(real, 'tar_at_far_1pct'),
            f'{100 * tracks["rank1"]:.1f} / {100 * tracks["map"]:.1f}' if tracks else MISSING]


def fidelity_table(results: Mapping[str, Any]) -> str:
    """Return how near the generator comes to a person whose code is known, floors below."""
    generator = results['generator']
    rows = []
    for name, title in PICTURES.items():
        parts = [generator[where] if name == 'own_code' else
                 generator['floors'].get(where, {}).get(name, {})
                 for where in ('synthetic', 'vtest')]
        rows.append([title, *(_number(part, key, digits) for part in parts for key, digits in
                              (('psnr_db', 2), ('cosine_authorised', 3), ('cosine_unseen', 3)))])
    return _table(('reconstruction', 'synthetic: PSNR [dB]', 'cosine, authorised',
                   'cosine, unseen', 'vtest: PSNR [dB]', 'cosine, authorised',
                   'cosine, unseen'), rows)


def speed_table(results: Mapping[str, Any]) -> str:
    """Return the latencies of the networks: median, and the 95th percentile in brackets."""
    speed = results['speed_ms']
    head = ['speed [ms], median (95th percentile)']
    for count in (speed['threads'], 1):
        head += [f'batch {batch}, {count} thread{"s" * (count > 1)}' for batch in BATCHES]
    rows = [[name.replace('_', ' '), *(
        f'{part[name][f"batch_{batch}"]:.1f} ({part[name][f"batch_{batch}_p95"]:.1f})'
        for part in (speed, speed['one_thread']) for batch in BATCHES)]
        for name in TIMED if name in speed]
    return _table(head, rows)


def _caption(about: Mapping[str, Any]) -> str:
    sets = about['synthetic']
    identities, crops = (sum(entry[key] for entry in sets) for key in ('identities', 'crops'))
    text = (f'Per cent, 95 % interval over identities in brackets. Synthetic: {crops} crops of '
            f'{identities} held-out people in unseen cameras ({len(sets)} rendered '
            f'set{"s" * (len(sets) > 1)}: {", ".join(entry["name"] for entry in sets)}); every '
            'crop asks for the other crops of its set, same person and camera removed.')
    if 'vtest' in about:
        real = about['vtest']
        text += (f' vtest: {real["crops"]} crops of {real["identities"]} real pedestrians on '
                 f'{real["tracks"]} tracks of one camera; every crop asks for the crops of other '
                 'tracks. So few people make the intervals wide.')
    return (f'{text} 8-bit images; one training of every network. Made by '
            f'`{about["command"]}`.')


def _percent(figures: Mapping[str, Any], key: str) -> str:
    if key not in figures:
        return MISSING
    low, high = (100 * end for end in figures[f'{key}_ci95'])
    return f'{100 * figures[key]:.1f} ({low:.1f} .. {high:.1f})'


def _number(figures: Mapping[str, Any], key: str, digits: int) -> str:
    return f'{figures[key]:.{digits}f}' if key in figures else MISSING


def _table(head: tuple[str, ...] | list[str], rows: list[list[str]]) -> str:
    rule = ['---'] + ['---:'] * (len(head) - 1)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (head, rule, *rows))
