"""What the networks were meant to reach by themselves, with the figures: met or missed."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from latent_rag_ros.evaluation.privacy.claim import Target

Figures = Mapping[str, Any]

PLACES = {'synthetic': 'held-out synthetic people', 'vtest': 'vtest'}
RECOGNITION = {('synthetic', 'rank1'): ('Rank-1', 0.97), ('synthetic', 'map'): ('mAP', 0.90),
               ('vtest', 'rank1'): ('Rank-1', 0.95), ('vtest', 'map'): ('mAP', 0.82),
               ('vtest', 'tar_at_far_1pct'): ('TAR at FAR 1 %', 0.55)}
PSNR_DB_MIN = 24.0
COSINES = {('synthetic', 'authorised'): 0.93, ('synthetic', 'unseen'): 0.90,
           ('vtest', 'authorised'): 0.90}
SPEED_MS_MAX = {'embedder': 5.0, 'generator': 8.0}
"""Median of one crop, on two threads."""


def embedder_targets(results: Figures) -> list[Target]:
    """Return the targets of the embedder; those without a figure are left out.

    Raises `KeyError` when `results` is not what `latent-rag evaluate models` writes.
    """
    return [*_recognition(results['embedder']), _speed(results, 'embedder')]


def generator_targets(results: Figures) -> list[Target]:
    """Return the targets of encoder and generator; those without a figure are left out.

    Raises `KeyError` when `results` is not what `latent-rag evaluate models` writes.
    """
    return [*_fidelity(results['generator']), _speed(results, 'generator')]


def embedder_targets_table(results: Figures) -> str:
    """Return the targets of the embedder as Markdown, missed ones in bold."""
    return _table('embedder', embedder_targets(results))


def generator_targets_table(results: Figures) -> str:
    """Return the targets of encoder and generator as Markdown, missed ones in bold."""
    return _table('encoder and generator', generator_targets(results))


def _recognition(figures: Figures) -> Iterator[Target]:
    for (place, key), (title, least) in RECOGNITION.items():
        if key in figures.get(place, {}):
            found = figures[place][key]
            yield Target(f'{PLACES[place]}: {title} at least {100 * least:.0f} %',
                         f'{100 * found:.1f} %', found >= least)


def _fidelity(figures: Figures) -> Iterator[Target]:
    found = figures['synthetic']['psnr_db']
    yield Target(f'{PLACES["synthetic"]}: PSNR of own codes, decoded, at least '
                 f'{PSNR_DB_MIN:.0f} dB', f'{found:.2f} dB', found >= PSNR_DB_MIN)
    for (place, network), least in COSINES.items():
        key = f'cosine_{network}'
        if key in figures.get(place, {}):
            found = figures[place][key]
            yield Target(f'{PLACES[place]}: identity cosine, {network} network, at least '
                         f'{least:.2f}', f'{found:.3f}', found >= least)


def _speed(results: Figures, name: str) -> Target:
    speed = results['speed_ms']
    found, most = speed[name]['batch_1'], SPEED_MS_MAX[name]
    return Target(f'one crop on {speed["threads"]} threads in {most:.0f} ms at most',
                  f'{found:.1f} ms', found <= most)


def _table(title: str, targets: list[Target]) -> str:
    rows = [(title, 'measured', ''), ('---', '---:', '---')]
    rows += [(one.text, one.measured, 'met' if one.is_met else '**missed**') for one in targets]
    return '\n'.join(f'| {" | ".join(row)} |' for row in rows)
