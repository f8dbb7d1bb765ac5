"""The FAISS index with owners: exact search, replacement in place, real removal."""
from __future__ import annotations

import faiss
import numpy as np
import pytest

from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import FeatureArray

IndexAndVectors = tuple[FeatureIndex, dict[int, FeatureArray]]


def unit_vectors(count: int, seed: int = 0) -> FeatureArray:
    """Return random rows of norm 1, shape (count, 32), float32."""
    vectors = np.random.default_rng(seed).normal(size=(count, 32)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def index_of_five() -> IndexAndVectors:
    """Return an index with owners 1..5, 4 features each, and those features by owner."""
    index = FeatureIndex(32)
    vectors = dict(zip(range(1, 6), unit_vectors(20).reshape(5, 4, 32)))
    for owner, features in vectors.items():
        index.add(owner, features)
    return index, vectors


def test_search_is_exact_when_compared_with_all_products(index_of_five: IndexAndVectors) -> None:
    """Cosines and owners equal those of a plain matrix product."""
    index, vectors = index_of_five
    queries = unit_vectors(6, seed=1)
    stored = np.concatenate(list(vectors.values()))
    cosines, owners = index.search(queries, 3)
    products = queries @ stored.T
    best = np.argsort(-products, axis=1)[:, :3]
    np.testing.assert_allclose(cosines, np.take_along_axis(products, best, 1), atol=1e-5)
    np.testing.assert_array_equal(owners, np.repeat(np.arange(1, 6), 4)[best])


def test_search_returns_what_there_is_when_asked_for_more(index_of_five: IndexAndVectors) -> None:
    """A search is cut to the size of the index; an empty index finds nothing."""
    index, vectors = index_of_five
    assert index.search(vectors[1], 99)[0].shape == (4, 20)
    assert FeatureIndex(32).search(vectors[1], 3)[1].shape == (4, 0)


def test_remove_overwrites_the_memory_when_an_owner_leaves(index_of_five: IndexAndVectors) -> None:
    """No erased vector is left in the memory of the index, behind its end either."""
    index, vectors = index_of_five
    rows = index._features
    memory = faiss.rev_swig_ptr(rows._flat.get_xb(), 20 * 32).reshape(20, 32)
    codes = faiss.rev_swig_ptr(rows._codes.codes.data(), 20 * 32).reshape(20, 32)
    coded = codes[4:8].copy()
    assert index.remove(2) == 4
    assert len(index) == 16
    assert not any((row == erased).all() for row in memory for erased in vectors[2])
    assert not any((row == erased).all() for row in codes for erased in coded)
    assert not memory[16:].any() and not codes[16:].any()


@pytest.mark.parametrize('owner', [1, 3, 5])
def test_others_stay_searchable_when_an_owner_is_removed(index_of_five: IndexAndVectors,
                                                         owner: int) -> None:
    """Every other feature still finds its owner, the removed ones find somebody else."""
    index, vectors = index_of_five
    index.remove(owner)
    for other, features in vectors.items():
        cosines, owners = index.search(features, 1)
        if other == owner:
            assert cosines.max() < 0.99 and owner not in owners
        else:
            np.testing.assert_allclose(cosines, 1, atol=1e-5)
            assert (owners == other).all()


def test_replace_oldest_goes_by_arrival_when_rows_moved(index_of_five: IndexAndVectors) -> None:
    """The first feature of an owner goes first, whatever its row and wherever rows moved."""
    index, vectors = index_of_five
    new = unit_vectors(3, seed=7)
    index.replace_oldest(5, new[0])
    index.remove(1)
    index.replace_oldest(5, new[1])
    index.replace_oldest(5, new[2])
    np.testing.assert_array_equal(index.features_of(5), np.concatenate([vectors[5][3:], new]))
    index.drop_oldest(5)
    np.testing.assert_array_equal(index.features_of(5), new)
    index.add(5, vectors[5][3:])
    assert index.count(5) == 4 and len(index) == 16


def test_clear_empties_the_index_when_called(index_of_five: IndexAndVectors) -> None:
    """After clear nothing is found and nothing is left in memory."""
    index, vectors = index_of_five
    memory = faiss.rev_swig_ptr(index._features._flat.get_xb(), 20 * 32)
    codes = faiss.rev_swig_ptr(index._features._codes.codes.data(), 20 * 32)
    assert memory.any() and codes.any()
    index.clear()
    assert len(index) == 0 and not memory.any() and not codes.any()
    assert index.search(vectors[1], 1)[0].size == 0
