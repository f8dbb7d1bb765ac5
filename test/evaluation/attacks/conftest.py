"""Pairs of blurred and original rendered people: an attacker that works reads them easily."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from latent_rag_ros.evaluation.attacks.interface import AttackPairs
from latent_rag_ros.evaluation.attacks.pairs import (
    chosen_pairs, protected_pairs, validation_rows)
from latent_rag_ros.evaluation.floors import blurred, mean_image
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.metrics import psnr_db

PEOPLE_ATTACKED = 20


class Attack(NamedTuple):
    """What an attacker trains on, chooses by, and is tried on: three groups of people."""

    pairs: AttackPairs
    validation: AttackPairs
    target: AttackPairs

    def skill_db(self, recovered: np.ndarray) -> float:
        """Return the mean PSNR of recovered pictures above that of the mean image."""
        floor = mean_image(self.pairs.originals, self.target.originals)
        return float((psnr_db(recovered, self.target.originals)
                      - psnr_db(floor, self.target.originals)).mean())


@pytest.fixture(scope='session')
def attack() -> Attack:
    """Return the shipped validation people for training, people of the test split to attack."""
    pairs = protected_pairs(load_held_out_people('validation'),
                            lambda people: blurred(people.images))
    target = protected_pairs(load_held_out_people('test').first_identities(PEOPLE_ATTACKED),
                             lambda people: blurred(people.images))
    apart = validation_rows(pairs.identities, seed=0, share=0.2)
    return Attack(chosen_pairs(pairs, ~apart), chosen_pairs(pairs, apart), target)


def permuted(pairs: AttackPairs) -> AttackPairs:
    """Return the pairs with every protected picture beside the original of another person."""
    people = np.unique(pairs.identities)
    moved = dict(zip(people, np.roll(people, 1)))
    order = np.concatenate([np.flatnonzero(pairs.identities == moved[person])[:count]
                            for person, count in zip(*np.unique(pairs.identities,
                                                                return_counts=True))])
    rows = np.concatenate([np.flatnonzero(pairs.identities == person) for person in people])
    protected = pairs.protected.copy()
    protected[rows] = pairs.protected[order]
    return AttackPairs(protected, pairs.originals, pairs.identities, pairs.cameras)


@pytest.fixture(scope='session')
def permuted_attack(attack: Attack) -> Attack:
    """Return pairs that have nothing to do with each other: nothing can be learned."""
    return Attack(*(permuted(pairs) for pairs in attack))
