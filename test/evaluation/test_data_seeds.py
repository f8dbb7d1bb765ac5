"""Nobody is trained on or stored who is measured: every set of people has a seed of its own."""
from __future__ import annotations

from latent_rag_ros.evaluation import feature_people, gallery_scenes, rendered_people
from latent_rag_ros.evaluation.attacks import pairs
from latent_rag_ros.evaluation.held_out import SPLITS, load_held_out_people
from latent_rag_ros.evaluation.privacy.splits import TRAINING_SEED
from latent_rag_ros.latent_rag.store import load_store
from latent_rag_ros.training.crops import NUMBERS_PER_SEED
from latent_rag_ros.training.recipe import SHIPPED
from latent_rag_ros.weights.registry import weights_file

TRAINED, STORED = SHIPPED.training_people.seed, SHIPPED.store_people.seed


def seeds_of_held_out_people() -> set[int]:
    """Return the seeds of both shipped splits, people and cameras."""
    labels = [load_held_out_people(split).labels for split in SPLITS]
    return {int(number) // NUMBERS_PER_SEED
            for rows in labels for numbers in (rows.identities, rows.cameras)
            for number in numbers}


def test_every_set_of_people_has_a_seed_of_its_own() -> None:
    measured = [*seeds_of_held_out_people(), *rendered_people.SEEDS, *gallery_scenes.SEEDS,
                gallery_scenes.DEVELOPMENT_SEED]
    attackers = [pairs.PAIRS_SEED, pairs.STORE_SEED, feature_people.ATTACKERS_SEED]
    seeds = [TRAINED, STORED, *measured, *attackers]
    assert len(seeds) == len(set(seeds))
    assert TRAINED == TRAINING_SEED


def test_shipped_store_holds_people_of_its_own_seed_only() -> None:
    identities = load_store(weights_file('store.safetensors')).identities
    assert set((identities // NUMBERS_PER_SEED).tolist()) == {STORED}
    assert len(identities.unique()) == SHIPPED.store_people.people
