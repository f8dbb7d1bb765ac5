"""The shipped held-out people: complete, documented, and disjoint from everything else."""
from __future__ import annotations

import hashlib

import numpy as np
import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import (
    DATA_DIRECTORY, SPLITS, held_out_file, load_held_out_people)
from latent_rag_ros.latent_rag.store import load_store
from latent_rag_ros.training.crops import NUMBERS_PER_SEED
from latent_rag_ros.training.recipe import SHIPPED
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY

SEED = SHIPPED.training_people.seed
TRAINING = range(SEED * NUMBERS_PER_SEED, (SEED + 1) * NUMBERS_PER_SEED)
"""Numbers of the people and of the cameras of the training."""


@pytest.mark.parametrize(('split', 'identities'), [('test', 100), ('validation', 40)])
def test_split_has_every_person_in_four_cameras(split, identities):
    people = load_held_out_people(split)
    assert people.images.shape == (4 * identities, 128, 64, 3)
    assert people.images.dtype == np.uint8
    assert people.identity_count == identities
    seen = set(zip(people.labels.identities.tolist(), people.labels.cameras.tolist()))
    assert len(seen) == 4 * identities


def test_images_are_rgb():
    # skin, soil and lamps are warm: with the channels swapped the mean would be bluish
    people = load_held_out_people('test')
    means = people.images.mean(axis=(0, 1, 2))
    assert means[0] > means[2]


def test_splits_and_training_share_no_person_and_no_camera():
    test, validation = (load_held_out_people(split).labels for split in SPLITS)
    for field in ('identities', 'cameras'):
        in_test = set(getattr(test, field).tolist())
        in_validation = set(getattr(validation, field).tolist())
        assert not in_test & in_validation
        assert not (in_test | in_validation) & set(TRAINING)


@pytest.mark.skipif(not (WEIGHTS_DIRECTORY / 'store.safetensors').exists(),
                    reason='no retrieval store is shipped yet')
def test_store_holds_nobody_who_is_measured():
    inside = set(load_store(WEIGHTS_DIRECTORY / 'store.safetensors').identities.tolist())
    assert inside
    for split in SPLITS:
        assert not inside & set(load_held_out_people(split).labels.identities.tolist())


@pytest.mark.parametrize('split', SPLITS)
def test_card_names_the_hash_of_the_file(split):
    digest = hashlib.sha256(held_out_file(split).read_bytes()).hexdigest()
    assert digest in (DATA_DIRECTORY / 'held_out_people.md').read_text()


def test_first_identities_keeps_whole_people():
    people = load_held_out_people('validation').first_identities(3)
    assert np.unique(people.labels.identities).tolist() == [2000000, 2000001, 2000002]
    assert len(people) == 12


def test_load_refuses_an_unknown_split():
    with pytest.raises(EvaluationError, match='training'):
        load_held_out_people('training')


def test_load_names_the_file_that_is_missing(tmp_path):
    with pytest.raises(EvaluationError, match='held_out_people_test.npz'):
        load_held_out_people('test', tmp_path)


def test_load_refuses_a_truncated_file(tmp_path):
    content = held_out_file('validation').read_bytes()
    held_out_file('validation', tmp_path).write_bytes(content[:len(content) // 2])
    with pytest.raises(EvaluationError, match='damaged'):
        load_held_out_people('validation', tmp_path)


def test_load_refuses_a_crop_that_is_no_picture(tmp_path):
    with np.load(held_out_file('validation')) as archive:
        arrays = dict(archive)
    arrays['jpeg_bytes'] = np.zeros_like(arrays['jpeg_bytes'])
    np.savez(held_out_file('validation', tmp_path), **arrays)
    with pytest.raises(EvaluationError, match='damaged'):
        load_held_out_people('validation', tmp_path)
