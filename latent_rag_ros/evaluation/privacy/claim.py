"""What the privacy evaluation lets the README claim: every target with its figure, met or missed.

No results, no claim: the README then says that nobody has attacked the release.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from latent_rag_ros.evaluation.privacy.tables import best

Figures = Mapping[str, Any]

COMMAND = 'latent-rag evaluate privacy'
NOT_RUN = (f'Not measured for this release yet: `{COMMAND}` makes `results/evaluation.json`, and '
           'this table from it.')
NOT_ATTACKED = ('Nobody has attacked this release with a trained recovery network yet. No claim '
                'is made that pictures cannot be recovered; the figures below say how much the '
                'patches differ, not what an attacker gets.')
TARGETS_HEAD = ('preset', 'target', 'measured', '')
LINKABILITY = {'robot': 'open', 'authorised_only': 'authorised-only'}
"""Presets that targets are for, and how linkable they leave people."""


@dataclass(frozen=True)
class Target:
    """One aim of the project.

    Parameters
    ----------
    text : str
        What is wanted, with its limit.
    measured : str
        The figure as text.
    is_met : bool
        Whether the figure keeps the limit.
    """

    text: str
    measured: str
    is_met: bool


def targets(results: Figures) -> dict[str, list[Target]]:
    """Return the targets of every preset that was measured. Raises `KeyError` without figures."""
    made = {'robot': _open_targets, 'authorised_only': _authorised_targets}
    found = {}
    for name in (name for name in made if name in results['methods']):
        figures = results['methods'][name]
        found[name] = [*made[name](results, figures), *_floor_targets(results, figures),
                       *_attack_targets(figures)]
    return found


def targets_table(results: Figures) -> str:
    """Return the targets as Markdown, missed ones in bold."""
    lines = [TARGETS_HEAD, ('---', '---', '---:', '---'), *targets_rows(results)]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


def targets_rows(results: Figures) -> list[tuple[str, str, str, str]]:
    """Return the cells below `TARGETS_HEAD`, one row a target."""
    return [(f'`{name}`', target.text, target.measured,
             'met' if target.is_met else '**missed**')
            for name, wanted in targets(results).items() for target in wanted]


def attack_claim(results: Figures) -> str:
    """Return, in one line, what the trained attackers got out of the presets."""
    about = results['about']
    said = []
    for name in (name for name in LINKABILITY if name in results['methods']):
        figures = results['methods'][name]
        skill, colour = best(figures, 'skill_psnr_db'), best(figures, 'colour_accuracy')
        count = sum('iterations' in attack for attack in figures['attacks'].values())
        if skill is None or colour is None or not count:
            continue
        chance = figures['attacks'][colour[1]]['colour_chance']
        said.append(
            f'from `{name}` (linkability: {LINKABILITY[name]}) the best of {count} recovered '
            f'{skill[0]:+.2f} dB above the mean image (`{skill[1]}`), clothing colours were told '
            f'in {100 * colour[0]:.0f} % (`{colour[1]}`; chance {100 * chance:.0f} %)')
    if not said:
        return NOT_ATTACKED
    return (f'What pictures give away to an attacker with more pairs or a longer training than '
            f'ours ({about["attackers_pairs"]} pairs, minutes each): {"; ".join(said)}. Targets '
            f'and misses stand below the table; nothing beyond these attackers is claimed.')


def _open_targets(results: Figures, figures: Figures) -> Iterator[Target]:
    raw, reid = results['raw']['reid'], figures['reid']
    for network, points in (('authorised', 1), ('unseen', 6)):
        if network in reid:
            lost = 100 * (raw[network]['map'] - reid[network]['prot_raw']['map'])
            yield Target(f'prot→raw mAP within {points} of raw→raw, {network} network',
                         f'{-lost:+.1f} points', lost <= points)


def _authorised_targets(results: Figures, figures: Figures) -> Iterator[Target]:
    raw, reid = results['raw']['reid'], figures['reid']
    lost = 100 * (raw['authorised']['map'] - reid['authorised']['prot_raw']['map'])
    yield Target('prot→raw mAP within 2 of raw→raw, authorised network', f'{-lost:+.1f} points',
                 lost <= 2)
    if 'unseen' in reid:
        left = reid['unseen']['prot_raw']['rank1'] / max(raw['unseen']['rank1'], 1e-9)
        yield Target('prot→raw Rank-1 of the unseen network cut by half at least',
                     f'{100 * (left - 1):+.0f} %', left <= 0.5)


def _floor_targets(results: Figures, figures: Figures) -> Iterator[Target]:
    floor = results['floors']['another_person']
    for name, title, digits in (('psnr_db', 'PSNR [dB]', '.2f'), ('ssim', 'SSIM', '.3f')):
        value = figures['protection'][name]
        yield Target(f'{title} at most that of another person',
                     f'{value:{digits}} (floor {floor[name]:{digits}})', value <= floor[name])


def _attack_targets(figures: Figures) -> Iterator[Target]:
    skill, colour = best(figures, 'skill_psnr_db'), best(figures, 'colour_accuracy')
    if skill is not None:
        yield Target('recovery skill of every attacker at most 0.3 dB',
                     f'{skill[0]:+.2f} dB (`{skill[1]}`)', skill[0] <= 0.3)
    if colour is not None:
        above = 100 * (colour[0] - figures['attacks'][colour[1]]['colour_chance'])
        yield Target('clothing colour told at most 10 points above chance',
                     f'{above:+.1f} points (`{colour[1]}`)', above <= 10)
