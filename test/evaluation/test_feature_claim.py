"""The targets of the protected extractor say met only where the figures keep them."""
from __future__ import annotations

import copy
from typing import Any

from latent_rag_ros.evaluation.feature_claim import leak_claim, targets, targets_table
from latent_rag_ros.evaluation.feature_summary import with_ratios


def row(utility: float, skill: float, rank1: float, colour: float) -> dict[str, Any]:
    """Return what is measured of one extractor."""
    return {'map': utility,
            'attacks': {'decoder': {'skill': skill, 'rank1': rank1, 'ssim': 0.3}},
            'attributes': {name: {'accuracy': colour, 'chance': 0.3}
                           for name in ('torso_colour', 'legs_colour')}}


def results(**rows: dict[str, Any]) -> dict[str, Any]:
    """Return results with ratios."""
    floors = {'mean_image': {'skill': 0.0, 'rank1': 0.01},
              'mean_person': {'skill': 0.02, 'rank1': 0.0}}
    made = {'about': {}, 'floors': floors, **copy.deepcopy(rows)}
    with_ratios(made)
    return made


PLAIN, NOISE = row(0.9, 0.5, 0.2, 0.8), row(0.7, 0.4, 0.15, 0.7)
GOOD, BAD = row(0.89, 0.1, 0.03, 0.4), row(0.85, 0.45, 0.19, 0.78)


def test_all_targets_are_met_when_little_is_lost_and_much_is_hidden():
    found = targets(results(plain=PLAIN, protected=GOOD, decoder_protected=BAD, noise_06=NOISE))
    assert len(found) == 9 and all(target.is_met for target in found)


def test_all_targets_are_missed_when_nothing_is_hidden():
    made = results(plain=PLAIN, protected=BAD, decoder_protected=GOOD, noise_06=NOISE)
    assert not any(target.is_met for target in targets(made))
    assert targets_table(made).count('**missed**') == 9
    assert 'head trained against a decoder' in targets_table(made)


def test_nothing_is_claimed_when_the_protected_extractor_was_not_measured():
    made = results(plain=PLAIN, noise_06=NOISE)
    made['protected'] = {'skipped': 'not there'}
    assert targets(made) == [] and len(targets_table(made).splitlines()) == 2


def test_claim_names_what_both_extractors_give_away():
    made = results(plain=PLAIN, protected=GOOD)
    said = leak_claim(made)
    assert 'plain features' in said and '0.50 of a person' in said and '20 %' in said
    assert 'protected features' in said and '0.10 of a person' in said and '40 %' in said
    assert 'protected' not in leak_claim(results(plain=PLAIN))
