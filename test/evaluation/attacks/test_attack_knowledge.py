"""What attackers know besides the picture: averages, lookups, features, own pairs."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.attacks.averaging import AveragingRecoverer, averaged
from latent_rag_ros.evaluation.attacks.grey_box import GreyBoxRecoverer
from latent_rag_ros.evaluation.attacks.interface import AttackPairs
from latent_rag_ros.evaluation.attacks.pairs import (
    attackers_people, chosen_pairs, validation_rows)
from latent_rag_ros.evaluation.attacks.surrogate_store import (
    SurrogateStoreRecoverer, surrogate_replacer)
from latent_rag_ros.evaluation.floors import solid
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.protect import protect
from latent_rag_ros.latent_rag.code_predictor import (
    PREDICTOR_FILE, CodePredictor, save_code_predictor)
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE
from latent_rag_ros.latent_rag.store import load_store
from latent_rag_ros.weights.registry import register, sha256_of


class MeanColour:
    """Finds pictures by their mean colour."""

    def embed(self, crops):
        """Return unit rows (n, 3)."""
        return torch.nn.functional.normalize(crops.mean((2, 3)) - 0.5)


def coloured(levels):
    """Return pictures (n, 128, 64, 3) of one RGB colour each."""
    colours = np.array(levels, np.uint8)[:, None, None]
    return np.broadcast_to(colours, (len(levels), 128, 64, 3)).copy()


def test_average_is_over_the_pictures_of_one_person():
    pictures = coloured([(10, 0, 0), (100, 0, 0), (30, 0, 0)])
    mean = averaged(pictures, np.array([7, 3, 7]))
    assert mean[:, 0, 0, 0].tolist() == [20, 100, 20]
    evidence = AveragingRecoverer().evidence(pictures, np.array([7, 3, 7]))
    assert np.array_equal(evidence.pictures, np.concatenate([pictures, mean], -1))


def test_averaging_sees_through_noise_that_changes_with_every_picture():
    original = np.full((40, 128, 64, 3), 90, np.uint8)
    noise = np.random.default_rng(0).integers(-60, 60, original.shape)
    seen = averaged((original + noise).astype(np.uint8), np.zeros(40, np.int64)).astype(int)
    assert np.abs(seen - 90).mean() < np.abs(noise).mean() / 4


def test_grey_box_reads_the_feature_of_the_protected_picture():
    evidence = GreyBoxRecoverer(MeanColour()).evidence(coloured([(255, 0, 0), (0, 255, 0)]))
    assert evidence.numbers.shape == (2, 3)
    assert evidence.numbers[0, 0] > 0 > evidence.numbers[1, 0]


def test_lookup_returns_originals_of_others_that_look_alike():
    protected = coloured([(255, 0, 0), (250, 0, 0), (0, 255, 0), (0, 250, 0)] * 8)
    originals = coloured([(9, 9, 9), (9, 9, 9), (200, 200, 200), (200, 200, 200)] * 8)
    pairs = AttackPairs(protected, originals, np.arange(32), np.zeros(32, np.int64))
    attacker = SurrogateStoreRecoverer(MeanColour())
    attacker.learn(pairs)
    found = attacker.evidence(coloured([(240, 0, 0), (0, 240, 0)])).pictures[..., 3:]
    assert found[:, 0, 0, 0].tolist() == [9, 200]
    one_person = attacker.evidence(protected[:1], np.array([0])).pictures
    assert np.array_equal(one_person[0, ..., 3:], originals[0])
    attacker.learn(AttackPairs(protected, originals, np.tile([1, 1, 2, 2], 8), pairs.cameras))
    assert attacker.evidence(protected[:1], np.array([1])).pictures[0, 0, 0, 3] == 200


def test_surrogate_makes_its_own_pairs_once(tmp_path):
    people = load_held_out_people('validation').first_identities(2)
    given = AttackPairs(solid(people.images, 1), people.images, people.labels.identities,
                        people.labels.cameras)
    calls = []

    def surrogate(some):
        calls.append(len(some))
        return solid(some.images, 77)

    few = chosen_pairs(given, np.arange(3))
    for _ in range(2):
        own, apart = SurrogateStoreRecoverer(MeanColour(), surrogate).own_pairs(given, few,
                                                                                tmp_path)
        assert (own.protected == 77).all() and np.array_equal(own.originals, given.originals)
        assert (apart.protected == 77).all() and np.array_equal(apart.originals, few.originals)
    assert calls == [len(people) + 3]
    untouched = SurrogateStoreRecoverer(MeanColour()).own_pairs(given, few, tmp_path)
    assert untouched[0] is given and untouched[1] is few


def test_surrogate_of_latent_rag_retrieves_from_the_attackers_own_people(make_weights):
    people = load_held_out_people('validation').first_identities(3)
    replacer = surrogate_replacer(PRESETS['robot'], make_weights([1]), people=people)
    assert set(replacer.store.identities.tolist()) == set(people.labels.identities.tolist())
    made = protect(people.images[:2], replacer, replacer.embedder).images
    assert made.shape == (2, 128, 64, 3) and made.dtype == np.uint8


def test_surrogate_predicts_codes_as_the_deployment_does(make_weights):
    folder = make_weights([1])
    people = load_held_out_people('validation').first_identities(2)
    assert not surrogate_replacer(PRESETS['robot'], folder, people=people).predicts
    hashes = {name: sha256_of(folder / name)
              for name in (EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE)}
    save_code_predictor(CodePredictor.for_store(load_store(folder / STORE_FILE)),
                        folder / PREDICTOR_FILE, hashes)
    register(folder / PREDICTOR_FILE)
    replacer = surrogate_replacer(PRESETS['robot'], folder, people=people)
    assert replacer.predicts
    assert protect(people.images[:2], replacer, replacer.embedder).looks.min() >= 1
    assert not surrogate_replacer(PRESETS['paper'], folder, people=people).predicts


def test_validation_keeps_whole_people_apart():
    identities = np.repeat(np.arange(20), 3)
    apart = validation_rows(identities, seed=0)
    assert apart.sum() == 6
    assert not set(identities[apart]) & set(identities[~apart])
    assert validation_rows(np.array([1, 2]), seed=0).sum() == 1
    with pytest.raises(ValueError, match='one person'):
        validation_rows(np.zeros(4), seed=0)


def test_attackers_people_are_rendered_once_and_are_nobody_else(tmp_path, monkeypatch):
    pytest.importorskip('numba')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    people = attackers_people(2, 2)
    assert len(people) == 4 and people.identity_count == 2
    assert people.labels.identities.min() == 5_000_000
    files = sorted(tmp_path.rglob('*.npz'))
    written = [path.stat().st_mtime_ns for path in files]
    assert np.array_equal(attackers_people(2, 2).images, people.images)
    assert [path.stat().st_mtime_ns for path in files] == written
