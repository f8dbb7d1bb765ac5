"""What the README may say of results whose figures are known."""
from __future__ import annotations

from copy import deepcopy

import pytest

from latent_rag_ros.evaluation.privacy.claim import (
    NOT_ATTACKED, attack_claim, targets, targets_table)

LOOKING = {'skill_psnr_db': -2.0, 'colour_accuracy': 0.2, 'colour_chance': 0.25, 'rank1': 0.1}
PRESET = {
    'protection': {'psnr_db': 9.0, 'ssim': 0.17},
    'reid': {'authorised': {'prot_raw': {'rank1': 0.94, 'map': 0.915}},
             'unseen': {'prot_raw': {'rank1': 0.3, 'map': 0.25}}},
    'attacks': {'looking': LOOKING,
                'unet': LOOKING | {'skill_psnr_db': 0.2, 'iterations': 9},
                'clothing_colour_net': {'colour_accuracy': 0.5, 'colour_chance': 0.25,
                                        'iterations': 9},
                'linkage': {'rank1': 0.99, 'iterations': 9}}}


@pytest.fixture
def results():
    """Results of a run that measured both presets."""
    return {'about': {'attackers_pairs': 864},
            'raw': {'reid': {'authorised': {'rank1': 0.95, 'map': 0.92},
                             'unseen': {'rank1': 0.68, 'map': 0.64}}},
            'floors': {'another_person': {'psnr_db': 9.1, 'ssim': 0.16}},
            'methods': {name: deepcopy(PRESET) for name in ('robot', 'authorised_only')}}


def test_targets_are_judged_by_their_limits(results):
    assert [target.is_met for target in targets(results)['robot']] == [
        True, False, True, False, True, False]
    assert [target.is_met for target in targets(results)['authorised_only']] == [
        True, True, True, False, True, False]
    results['methods']['authorised_only']['reid']['unseen']['prot_raw']['rank1'] = 0.35
    assert [target.is_met for target in targets(results)['authorised_only']][1] is False


def test_table_of_targets_names_every_miss_with_its_figure(results):
    table = targets_table(results)
    assert table.count('**missed**') == 5
    assert '-39.0 points' in table and '+25.0 points (`clothing_colour_net`)' in table
    assert len({line.count('|') for line in table.splitlines()}) == 1


def test_claim_is_one_line_that_names_the_strongest_attackers(results):
    claim = attack_claim(results)
    assert '\n' not in claim and '|' not in claim
    assert 'best of 3 recovered +0.20 dB above the mean image (`unet`)' in claim
    assert 'told in 50 % (`clothing_colour_net`; chance 25 %)' in claim


def test_nothing_is_claimed_where_nobody_attacked(results):
    for method in results['methods'].values():
        method['attacks'] = {'looking': LOOKING}
    assert attack_claim(results) == NOT_ATTACKED
    results['methods'] = {}
    assert attack_claim(results) == NOT_ATTACKED
    assert targets(results) == {}
