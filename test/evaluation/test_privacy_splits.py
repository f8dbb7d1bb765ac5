"""Who is measured and who is attacked have nothing in common."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.privacy.splits import (
    assert_disjoint, divided, pairs, rendered_identities)
from latent_rag_ros.latent_rag.store import load_store
from latent_rag_ros.weights.registry import weights_file


def test_assert_disjoint_names_the_groups_and_somebody_in_both():
    groups = {'measured': np.array([1, 2]), 'store': np.array([3, 2]), 'attackers': np.array([4])}
    with pytest.raises(EvaluationError, match=r'measured and store share 1 people, such as 2'):
        assert_disjoint(groups)
    assert_disjoint(groups | {'store': np.array([3])})


def test_shipped_splits_store_and_training_share_nobody():
    store = load_store(weights_file('store.safetensors'))
    assert_disjoint({name: load_held_out_people(name).labels.identities
                     for name in ('test', 'validation')}
                    | rendered_identities(store.identities.numpy()))


def test_divided_keeps_every_crop_once_and_nobody_twice():
    people = load_held_out_people('validation')
    training, validation = divided(people)
    assert len(training) + len(validation) == len(people)
    assert_disjoint({'training': training.labels.identities,
                     'validation': validation.labels.identities})
    assert validation.identity_count == 4


def test_pairs_stand_row_by_row():
    people = load_held_out_people('validation').first_identities(1)
    made = pairs(people, 255 - people.images)
    np.testing.assert_array_equal(made.protected, 255 - made.originals)
    with pytest.raises(ValueError, match='one of each per pair'):
        pairs(people, people.images[1:])
