"""Who is measured and whose pictures the attackers have: people who have nothing in common.

Rendered people are numbered by the seed they come from: 1 trained the networks, 2 and 3 are the
validation and the test split, 4 is in the store, 5 has the attackers' pairs, 6 is in an attacker's
own store.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import AttackPairs
from latent_rag_ros.evaluation.attacks.pairs import attackers_people, validation_rows
from latent_rag_ros.evaluation.datasets.people import dataset_people
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import HeldOutPeople, load_held_out_people
from latent_rag_ros.evaluation.privacy.options import VTEST, PrivacyOptions, Size
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.evaluation.vtest import find_vtest, load_vtest, read_tracks
from latent_rag_ros.perception.person_mask import WEIGHTS_NAME, PersonMasker
from latent_rag_ros.training.crops import NUMBERS_PER_SEED
from latent_rag_ros.weights.registry import weights_file

TRAINING_SEED = 1
"""Data seed of the people that the networks were trained on."""

MASK_SCORE_MIN = 0.3


@dataclass(frozen=True)
class Splits:
    """The people of one evaluation.

    Parameters
    ----------
    measured : HeldOutPeople
        Whose protection is attacked; nobody else's pictures are scored.
    attack, attack_validation : HeldOutPeople
        Whose pictures the attackers are trained on, and choose their weights by.
    """

    measured: HeldOutPeople
    attack: HeldOutPeople
    attack_validation: HeldOutPeople


def load_splits(options: PrivacyOptions) -> Splits:
    """Load or render the people of an evaluation.

    Public data sets bring people of their own for the attackers. The pedestrians of `vtest.avi`
    are too few for that: there the attackers have rendered people.

    Raises
    ------
    EvaluationError
        Data are missing or damaged, or people are in two splits.
    """
    size = options.size
    if options.dataset is None:
        measured, others = load_held_out_people(options.split), _rendered(size)
    elif options.dataset == VTEST:
        measured, others = _vtest_people(options.root), _rendered(size)
    else:
        is_quick = size.identities is not None
        measured, others = dataset_people(options.dataset, options.root, is_quick)
    if size.identities is not None and measured.queries is None:
        measured = measured.first_identities(size.identities)
    attack, validation = divided(others)
    splits = Splits(measured, attack, validation)
    assert_disjoint({'measured': measured.labels.identities,
                     'attackers': attack.labels.identities,
                     "attackers' validation": validation.labels.identities}
                    if options.dataset != VTEST else {})
    return splits


def divided(people: HeldOutPeople) -> tuple[HeldOutPeople, HeldOutPeople]:
    """Return the people that attackers train on, and those they choose their weights by."""
    is_validation = validation_rows(people.labels.identities, seed=0)
    return _rows(people, ~is_validation), _rows(people, is_validation)


def pairs(people: HeldOutPeople, protected: NDArray[np.uint8]) -> AttackPairs:
    """Return what an attacker gets: `protected` (n, 128, 64, 3) beside the crops of `people`."""
    return AttackPairs(protected, people.images, people.labels.identities.astype(np.int64),
                       people.labels.cameras.astype(np.int64))


def rendered_identities(store: NDArray[np.int64]) -> dict[str, NDArray[np.int64]]:
    """Return who is in the training of the networks and in the store, for `assert_disjoint`."""
    first = TRAINING_SEED * NUMBERS_PER_SEED
    return {'training of the networks': np.arange(first, first + NUMBERS_PER_SEED),
            'store': store}


def assert_disjoint(groups: Mapping[str, NDArray[np.int64]]) -> None:
    """Raise `EvaluationError` when somebody is in two of the named groups of identities."""
    for (one, first), (other, second) in combinations(groups.items(), 2):
        shared = np.intersect1d(first, second)
        if len(shared):
            raise EvaluationError(f'{one} and {other} share {len(shared)} people, such as '
                                  f'{shared[0]}; figures would be too good: use other people')


def _rows(people: HeldOutPeople, kept: NDArray[np.bool_]) -> HeldOutPeople:
    labels = Labels(people.labels.identities[kept], people.labels.cameras[kept])
    return HeldOutPeople(people.images[kept], labels)


def _rendered(size: Size) -> HeldOutPeople:
    return attackers_people(size.attack_people)


def _vtest_people(video: Path | None) -> HeldOutPeople:
    found = find_vtest(video)
    if found is None:
        raise EvaluationError('vtest.avi is not there; install it with: apt install opencv-doc, '
                              'or give its path with --root')
    masker = PersonMasker(weights_file(WEIGHTS_NAME), MASK_SCORE_MIN)
    return load_vtest(found, read_tracks(), masker).people
