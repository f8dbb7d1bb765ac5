"""The README's table of the privacy evaluation, and the same rows for the page."""
from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]

MISSING = '–'
LINKAGE = 'linkage'
FLOOR_TITLES = {'another_person': 'floor: another person', 'mean_image': 'floor: mean image',
                'mid_grey': 'floor: mid-grey', 'uniform_noise': 'floor: uniform noise',
                'mean_colour': "floor: the picture's mean colour",
                'mirrored': 'floor: the picture mirrored'}
HEAD = ('method', 'PSNR [dB]', 'SSIM', 'authorised prot→raw', 'unseen prot→raw',
        'best recovery: skill [dB]', 'recovered→raw, Rank-1', 'trained linkage, Rank-1',
        'clothing colour told', 'silhouette IoU')
GROUPS = ('latent_rag', 'baseline', 'ablation')


def rows(results: Figures) -> list[list[str]]:
    """Return the cells of the table: raw, floors, then methods by group.

    Of all attackers of a method the best one counts in each column. Raises `KeyError` when
    `results` is not what `latent-rag evaluate privacy` writes.
    """
    raw = results['raw']['reid']
    table = [['raw crops, no protection', MISSING, MISSING, _pair(raw['authorised']),
              _pair(raw.get('unseen')), *[MISSING] * 5]]
    table += [_row(FLOOR_TITLES[name], figures) for name, figures in results['floors'].items()]
    methods = results['methods'].values()
    return table + [_row(figures['title'], figures) for group in GROUPS
                    for figures in methods if figures['group'] == group]


def evaluation_table(results: Figures) -> str:
    """Return the Markdown table of one results file, with the lines that say what it is."""
    lines = [_line(HEAD), _line(['---'] + ['---:'] * (len(HEAD) - 1)),
             *map(_line, rows(results))]
    return '\n'.join([*lines, '', caption(results)])


def caption(results: Figures) -> str:
    """Return what the columns mean and what was measured, as one paragraph of Markdown."""
    about = results['about']
    colour, outline = _chances(results)
    budgets = ', '.join(f'`{name}` {count}' for name, count in about['budget_iterations'].items())
    text = (f'{about["split"]} split, {about["crops"]} crops of {about["identities"]} '
            f'{about["people"]} people in {about["cameras"]} cameras, open store, 8-bit images. '
            'Rank-1 / mAP in per cent, same identity and camera removed, raw→raw in the first '
            'row. Skill is the PSNR of the recovered picture above that of the mean image of the '
            "attacker's own people: at 0 nothing was recovered. Rank-1 of recovered pictures is "
            f'that of the unseen network, linkage that of protected pictures among raw ones by a '
            f'network that learned from the pairs. Chance for the colour is {colour}, for the '
            f'silhouette {outline}. In each column the best attacker counts, among them '
            f'`{about["untrained_attack"]}`, which takes the protected picture as it is. '
            f'Attackers were trained on {about["attackers_pairs"]} pairs of '
            f'{about["attackers_people"]} other people{_fewer(results)}; steps: '
            f'{budgets or "none"}.')
    if about['quick']:
        text += (' **A quick run: so few people and so short a training show that everything '
                 'runs, and nothing else.**')
    for name, reason in results['skipped'].items():
        text += f' `{name}` was not measured: {reason}.'
    return f'{text} Made by `{about["command"]}`.'


def _fewer(results: Figures) -> str:
    """Return which methods had fewer pairs for their attackers, and how many."""
    fewer = {name: attack['pairs'] for name, figures in results['methods'].items()
             for attack in figures['attacks'].values()
             if attack.get('pairs', math.inf) < results['about']['attackers_pairs']}
    said = ', '.join(f'`{name}` {count}' for name, count in fewer.items())
    return f' (fewer where a picture is expensive: {said})' if said else ''


def best(figures: Figures, name: str) -> tuple[float, str] | None:
    """Return the highest value of a figure over the attackers of a method, and whose it is.

    `rank1` is that of recovered pictures: linkage draws none, and has a column of its own.
    """
    values = [(attack[name], attacker) for attacker, attack in figures['attacks'].items()
              if name in attack and not (name == 'rank1' and attacker == LINKAGE)]
    return max(values, default=None)


def _row(title: str, figures: Figures) -> list[str]:
    protection, reid = figures.get('protection', figures), figures['reid']
    skill, linked = best(figures, 'skill_psnr_db'), figures['attacks'].get(LINKAGE)
    return [title, f'{protection["psnr_db"]:.2f}', f'{protection["ssim"]:.3f}',
            _pair(reid['authorised']['prot_raw']), _pair(reid.get('unseen', {}).get('prot_raw')),
            MISSING if skill is None else f'{skill[0]:+.2f}',
            _percent(best(figures, 'rank1')),
            f'{100 * linked["rank1"]:.1f}' if linked else MISSING,
            *(_percent(best(figures, name)) for name in ('colour_accuracy', 'silhouette_iou'))]


def _chances(results: Figures) -> tuple[str, str]:
    """Return the chance of the colour and of the silhouette, which are the same for everybody."""
    for figures in results['methods'].values():
        for attack in figures['attacks'].values():
            if 'colour_chance' in attack and 'silhouette_chance' in attack:
                return (_percent((attack['colour_chance'], '')),
                        _percent((attack['silhouette_chance'], '')))
    return MISSING, MISSING


def _percent(found: tuple[float, str] | None) -> str:
    return MISSING if found is None else f'{100 * found[0]:.1f}'


def _pair(scores: Mapping[str, float] | None) -> str:
    if scores is None:
        return MISSING
    return f'{100 * scores["rank1"]:.1f} / {100 * scores["map"]:.1f}'


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f'| {" | ".join(cells)} |'
