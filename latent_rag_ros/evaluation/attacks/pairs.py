"""The attackers' own people: rendered, protected by the method under attack, split by identity."""
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Images
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.training.crops import load_crops

PAIRS_SEED, STORE_SEED = 5, 6
"""Data seeds of the people in the attackers' pairs and in an attacker's own store."""

PEOPLE, CROPS_PER_PERSON, CAMERAS = 300, 8, 24
VALIDATION_SHARE = 0.1

Protect = Callable[[HeldOutPeople], Images]
"""A protection method: one picture per crop, shape (n, 128, 64, 3), uint8, RGB."""


def attackers_people(people: int = PEOPLE, crops: int = CROPS_PER_PERSON,
                     seed: int = PAIRS_SEED) -> HeldOutPeople:
    """Return people that an attacker may photograph as it likes; rendered when missing.

    Everybody gets `crops` pictures. They stay in the user's cache (`XDG_CACHE_HOME`, else
    `~/.cache`), about 20 kB a picture; people of different seeds have different identities.
    Raises `EvaluationError` when the renderer is not installed.
    """
    try:
        from latent_rag_ros.synthesis.dataset import Settings, render_dataset
    except ModuleNotFoundError as error:
        raise EvaluationError(
            f'{error.name} is not installed; the people of attackers are rendered with the extra '
            'synthesis: pip install "latent-rag-ros[synthesis]"') from error
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'latent_rag_ros'
    folder = cache / f'attack_people_{people}x{crops}_seed_{seed}'
    render_dataset(Settings(people, crops, 0, seed, CAMERAS), folder,
                   workers=len(os.sched_getaffinity(0)))
    rendered = load_crops(folder / 'crops', seed)
    return HeldOutPeople(rendered.images, Labels(rendered.identities, rendered.cameras))


def protected_pairs(people: HeldOutPeople, protect: Protect) -> AttackPairs:
    """Return people with what the method under attack makes of them."""
    return AttackPairs(protect(people), people.images, people.labels.identities,
                       people.labels.cameras)


def validation_rows(identities: NDArray[np.int64], seed: int,
                    share: float = VALIDATION_SHARE) -> NDArray[np.bool_]:
    """Return True for all rows of a random `share` of the people, at least one and not all.

    `identities` has shape (n,). Raises `ValueError` when there is only one person.
    """
    people = np.unique(identities)
    if len(people) < 2:
        raise ValueError('all pairs show one person; validation needs another one')
    count = min(len(people) - 1, max(1, round(share * len(people))))
    chosen = np.random.default_rng(seed).choice(people, count, replace=False)
    return np.isin(identities, chosen)


def chosen_pairs(pairs: AttackPairs, rows: NDArray) -> AttackPairs:
    """Return the pairs of some rows, given as numbers or as a bool per row."""
    return AttackPairs(pairs.protected[rows], pairs.originals[rows], pairs.identities[rows],
                       pairs.cameras[rows])
