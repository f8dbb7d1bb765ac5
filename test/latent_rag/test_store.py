"""The retrieval store: exact search, and a file that refuses whatever does not fit."""
from __future__ import annotations

import pytest
import torch

from latent_rag_ros.latent_rag.store import RetrievalStore, check_made_with, load_store
from latent_rag_ros.weights.registry import WeightsError


def test_search_returns_the_rows_with_the_highest_cosine(store):
    rows = store.search(store.features[[7, 30]], 3)
    expected = (store.features[[7, 30]] @ store.features.T).topk(3).indices
    assert rows.tolist() == expected.tolist()
    assert rows[:, 0].tolist() == [7, 30]


def test_search_returns_all_rows_when_more_neighbours_are_asked_for(store):
    assert store.search(store.features[:1], 100).shape == (1, 40)


def test_a_saved_store_comes_back_within_half_precision(store, tmp_path):
    store.save(tmp_path / 'store.safetensors')
    loaded = load_store(tmp_path / 'store.safetensors')
    torch.testing.assert_close(loaded.codes, store.codes, atol=2e-3, rtol=1e-3)
    assert (loaded.features * store.features).sum(1).min() > 0.9999
    assert loaded.identities.tolist() == store.identities.tolist()
    assert loaded.made_with == store.made_with


def test_a_truncated_store_is_refused(store, tmp_path):
    path = tmp_path / 'store.safetensors'
    store.save(path)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match='store.safetensors is not a retrieval store'):
        load_store(path)


def test_a_store_with_a_number_that_is_not_finite_is_refused(store):
    codes = store.codes.clone()
    codes[3, 2, 1] = float('nan')
    with pytest.raises(WeightsError, match='not finite'):
        RetrievalStore(store.features, codes, store.identities, {})


def test_a_store_with_codes_of_another_shape_is_refused(store):
    with pytest.raises(WeightsError, match='expected one code of shape'):
        RetrievalStore(store.features, store.codes[:39], store.identities, {})


def test_a_store_made_with_another_embedder_is_refused_by_name(store):
    with pytest.raises(WeightsError, match='another embedder.safetensors'):
        check_made_with(store, {'embedder.safetensors': 'b' * 64})
    check_made_with(store, {'embedder.safetensors': 'a' * 64})
