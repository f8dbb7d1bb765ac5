"""Every recovery attacker works on blurred people and finds nothing where nothing is."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.evaluation.attacks.pairs import chosen_pairs
from latent_rag_ros.evaluation.attacks.registry import (
    FULL_ITERATIONS, QUICK_ITERATIONS, AttackContext, attribute_attackers, linkage_attackers,
    recovery_attackers, silhouette_attackers)

ATTACKERS = recovery_attackers(AttackContext())
ITERATIONS = {'diffusion': 100}
"""Others train 40 steps; one that also learns to ignore noise needs more."""

EVERY_ATTACKER = [name if name in ('ridge', 'unet') else pytest.param(name, marks=pytest.mark.slow)
                  for name in ATTACKERS]


def attacked(name, attack, directory):
    """Return what an attacker recovers of the target after a short training."""
    attacker = ATTACKERS[name]()
    attacker.fit(attack.pairs, attack.validation, Budget(ITERATIONS.get(name, 40), 0), directory)
    if hasattr(attacker, 'recover_people'):
        return attacker.recover_people(attack.target.protected, attack.target.identities)
    return attacker.recover(attack.target.protected)


@pytest.mark.parametrize('name', EVERY_ATTACKER)
def test_attacker_recovers_blurred_people_well_above_the_floor(name, attack, tmp_path):
    recovered = attacked(name, attack, tmp_path)
    assert recovered.shape == attack.target.originals.shape and recovered.dtype == np.uint8
    assert attack.skill_db(recovered) > 4


@pytest.mark.parametrize('name', EVERY_ATTACKER)
def test_attacker_stays_at_the_floor_when_pictures_are_of_other_people(name, permuted_attack,
                                                                       tmp_path):
    assert permuted_attack.skill_db(attacked(name, permuted_attack, tmp_path)) < 0.3


def test_attacker_before_training_is_refused(attack):
    for make in ATTACKERS.values():
        attacker = make()
        if attacker.name != 'surrogate_store':
            with pytest.raises(RuntimeError, match='call fit'):
                attacker.recover(attack.target.protected)


def test_attacker_gives_the_same_pictures_for_the_same_seed(attack, tmp_path):
    recovered = []
    for run in ('one', 'two'):
        attacker = ATTACKERS['diffusion']()
        attacker.fit(attack.pairs, chosen_pairs(attack.validation, np.arange(4)), Budget(2, 5),
                     tmp_path / run)
        recovered.append(attacker.recover(attack.target.protected[:4]))
    assert np.array_equal(*recovered)


def test_every_attacker_has_its_own_name_and_a_budget():
    context = AttackContext()
    made = [make for registered in (recovery_attackers, attribute_attackers,
                                    silhouette_attackers, linkage_attackers)
            for make in registered(context).items()]
    assert [make().name for _, make in made] == [name for name, _ in made]
    assert {name for name, _ in made} == set(FULL_ITERATIONS) == set(QUICK_ITERATIONS)
    assert all(0 < QUICK_ITERATIONS[name] <= FULL_ITERATIONS[name] for name in FULL_ITERATIONS)
