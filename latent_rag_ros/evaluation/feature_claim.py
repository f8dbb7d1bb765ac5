"""What the feature evaluation lets the README claim: every target with its figure."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from latent_rag_ros.evaluation.feature_summary import NO_FEATURE
from latent_rag_ros.evaluation.feature_table import measured_rows, title
from latent_rag_ros.evaluation.privacy.claim import Target
from latent_rag_ros.feature_privacy.row_names import DECODER_PROTECTED, PLAIN, PROTECTED

Figures = Mapping[str, Any]

COMMAND = 'latent-rag evaluate features'
NOT_RUN = (f'Not measured for this release yet: `{COMMAND}` makes `results/features.json`, and '
           'this table from it.')
NOT_ATTACKED = ('Whoever has pictures with their features can turn others back into an '
                'approximate picture; how well is not measured for this release yet.')
LOSS_POINTS_MAX, CUT_MIN, URR_FACTOR_MIN = 2.0, 0.6, 2.0


def leak_claim(results: Figures) -> str:
    """Return, in one line, what attackers get out of plain and of protected features."""
    rows = measured_rows(results)
    said = []
    for name in (name for name in (PLAIN, PROTECTED) if name in rows):
        row = rows[name]
        torso = row['attributes']['torso_colour']
        skill, rank1 = (row['attacks'][row['strongest'][figure]][figure]
                        for figure in ('skill', 'rank1'))
        said.append(
            f'from {name} features (`identity.extractor: {name}`) the strongest of '
            f'{len(row["attacks"])} explained {skill:.2f} of a person beyond the mean picture, an '
            f'independent network recognised {100 * rank1:.0f} % of the reversed pictures, and '
            f'the shirt\'s colour was told in {100 * torso["accuracy"]:.0f} % (chance '
            f'{100 * torso["chance"]:.0f} %)')
    floor = max(results['floors'][guess]['skill'] for guess in NO_FEATURE)
    return (f'What features give away to attackers with pairs made under the key: '
            f'{"; ".join(said)}. Without any feature {floor:.2f} of a person are explained. A '
            'stronger attacker gets more.')


def targets(results: Figures) -> list[Target]:
    """Return the targets of the protected extractor; none where it was not measured."""
    rows = measured_rows(results)
    if PROTECTED not in rows:
        return []
    return [*_utility(rows), *_leak(rows), *_ratios(rows), *_against_decoder(rows)]


def targets_table(results: Figures) -> str:
    """Return the targets as Markdown, missed ones in bold."""
    lines = [('protected extractor', 'measured', ''), ('---', '---:', '---')]
    lines += [(one.text, one.measured, 'met' if one.is_met else '**missed**')
              for one in targets(results)]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _utility(rows: Figures) -> Iterator[Target]:
    lost = rows[PROTECTED]['map_loss_points']
    yield Target(f'mAP at most {LOSS_POINTS_MAX:g} points below the plain extractor',
                 f'{-lost:+.1f} points', lost <= LOSS_POINTS_MAX)


def _leak(rows: Figures) -> Iterator[Target]:
    row = rows[PROTECTED]
    for name, text in (('skill', 'skill of the strongest attacker above the floor'),
                       ('rank1', 'Rank-1 of reversed pictures above the floor')):
        cut = row[f'{name}_cut']
        if cut is not None:
            yield Target(f'{text} cut by {100 * CUT_MIN:.0f} % at least', f'{-100 * cut:+.0f} %',
                         cut >= CUT_MIN)
    for name in ('torso_colour', 'legs_colour'):
        plain, here = (rows[one]['attributes'][name] for one in (PLAIN, PROTECTED))
        yield Target(f'{name.replace("_", " ")} nearer to chance than to the plain extractor',
                     f'{100 * here["accuracy"]:.0f} % (plain {100 * plain["accuracy"]:.0f} %, '
                     f'chance {100 * here["chance"]:.0f} %)',
                     2 * here['accuracy'] <= plain['accuracy'] + here['chance'])


def _ratios(rows: Figures) -> Iterator[Target]:
    """Yield both ratios against the plain extractor and against the best of the baselines."""
    for name in ('urr_ratio', 'urr_norm'):
        here, plain = rows[PROTECTED][name], rows[PLAIN][name]
        if here is None or plain is None:
            continue
        others = {other: row[name] for other, row in rows.items()
                  if other not in (PLAIN, PROTECTED) and row[name] is not None}
        best = max(others, key=others.get, default=None)
        measured = f'{here:.2f} (plain {plain:.2f}'
        if best is not None:
            measured += f', {title(best)} {others[best]:.2f}'
        yield Target(f'`{name}` at least {URR_FACTOR_MIN:g} times the plain one, above every '
                     'baseline', f'{measured})', here >= URR_FACTOR_MIN * plain
                     and all(here > value for value in others.values()))


def _against_decoder(rows: Figures) -> Iterator[Target]:
    """Yield the paper's claim: training against a GAN protects better than against a decoder."""
    if DECODER_PROTECTED not in rows:
        return
    for name, text in (('urr_norm', 'skill'), ('urr_norm_rank1', 'Rank-1 of reversed pictures')):
        gan, decoder = (rows[row][name] for row in (PROTECTED, DECODER_PROTECTED))
        if gan is not None and decoder is not None:
            yield Target(f'better than training against a decoder, `urr_norm` by {text}',
                         f'{gan:.2f} against {decoder:.2f}', gan > decoder)
