"""Search by clusters: found as by the exact index, erased from memory, replaced safely."""
from __future__ import annotations

from threading import Event

import faiss
import numpy as np
import pytest

from latent_rag_ros.gallery.clustered_index import BuildCancelled, ClusteredIndex, clusters_for
from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import FeatureArray
from latent_rag_ros.gallery.growing_index import GrowingIndex

PEOPLE, FEATURES, DIMENSION = 400, 5, 32


@pytest.fixture(scope='module')
def vectors() -> FeatureArray:
    """Return 5 noisy features of each of 400 people, shape (400, 5, 32)."""
    random = np.random.default_rng(0)
    means = random.normal(size=(PEOPLE, 1, DIMENSION))
    found = means + 0.4 * random.normal(size=(PEOPLE, FEATURES, DIMENSION))
    return (found / np.linalg.norm(found, axis=2, keepdims=True)).astype(np.float32)


def owners_of(people: int = PEOPLE) -> np.ndarray:
    """Return the owner of each feature, people counted from 1."""
    return np.repeat(np.arange(1, people + 1), FEATURES)


@pytest.fixture
def index(vectors: FeatureArray) -> ClusteredIndex:
    """Return an index of all of them."""
    return ClusteredIndex(owners_of(), vectors.reshape(-1, DIMENSION))


def sizes_of(index: ClusteredIndex) -> list[int]:
    """Return the number of features in each cluster."""
    return [index._index.invlists.list_size(cluster) for cluster in range(index._index.nlist)]


def bytes_in_memory(index: ClusteredIndex, sizes: list[int]) -> bytes:
    """Return what lies where so many features of each cluster are or were."""
    return b''.join(
        faiss.rev_swig_ptr(index._index.invlists.get_codes(cluster),
                           size * index._index.code_size).tobytes()
        for cluster, size in enumerate(sizes) if size)


def test_clusters_find_what_the_exact_index_finds(index: ClusteredIndex,
                                                  vectors: FeatureArray) -> None:
    """Cosines are exact; nearly all nearest neighbours are found, and the recall says so."""
    exact = FeatureIndex(DIMENSION)
    exact.load(owners_of(), vectors.reshape(-1, DIMENSION))
    random = np.random.default_rng(1)
    queries = vectors[:, 0] + 0.1 * random.normal(size=(PEOPLE, DIMENSION)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    wanted, owners = exact.search(queries, 1)
    cosines, found = index.search(queries, 1)
    agreed = found == owners
    assert agreed.mean() > 0.97 and index.recall >= 0.97
    np.testing.assert_allclose(cosines[agreed], wanted[agreed], atol=1e-5)
    clusters, read = index.clusters
    assert 1 <= read <= clusters == clusters_for(PEOPLE * FEATURES)


def test_features_leave_memory_when_an_owner_is_removed(index: ClusteredIndex,
                                                        vectors: FeatureArray) -> None:
    """Erased features are in no cluster and behind the end of none; all others are found."""
    before = sizes_of(index)
    assert vectors[6, 0].tobytes() in bytes_in_memory(index, before)
    assert index.remove(7) == FEATURES and index.remove(7) == 0
    memory = bytes_in_memory(index, before)
    assert not any(vector.tobytes() in memory for vector in vectors[6])
    assert len(index) == (PEOPLE - 1) * FEATURES and index.count(7) == 0
    for person in (0, 7, 399):
        cosines, owners = index.search(vectors[person], 1)
        np.testing.assert_allclose(cosines, 1, atol=1e-5)
        assert (owners == person + 1).all()
        np.testing.assert_array_equal(index.features_of(person + 1), vectors[person])


def test_oldest_goes_first_when_features_are_replaced(index: ClusteredIndex,
                                                      vectors: FeatureArray) -> None:
    """Replacing, dropping and adding keep the order of arrival."""
    new = vectors[3, :2]
    index.replace_oldest(9, new[0])
    index.drop_oldest(9)
    index.add(9, new[1:])
    np.testing.assert_array_equal(index.features_of(9),
                                  np.concatenate([vectors[8, 2:], new]))
    assert len(index) == PEOPLE * FEATURES


def test_nothing_is_left_when_cleared(index: ClusteredIndex, vectors: FeatureArray) -> None:
    """Features and the clusters' centres are overwritten."""
    lists = index._index.invlists
    cluster = max(range(index._index.nlist), key=lists.list_size)
    size, codes = lists.list_size(cluster), lists.get_codes(cluster)
    index.clear()
    assert len(index) == 0 and not faiss.rev_swig_ptr(codes, size).any()
    assert not faiss.rev_swig_ptr(index._quantizer.get_xb(), DIMENSION).any()
    assert index.search(vectors[0], 3)[0].shape == (FEATURES, 0)


def test_construction_ends_when_it_is_not_wanted(vectors: FeatureArray) -> None:
    """A cancelled construction gives no index."""
    cancelled = Event()
    cancelled.set()
    with pytest.raises(BuildCancelled):
        ClusteredIndex(owners_of(), vectors.reshape(-1, DIMENSION), cancelled)


def test_index_grows_into_clusters_and_answers_the_same(vectors: FeatureArray) -> None:
    """What is added, replaced and removed while clusters are built is there afterwards."""
    index = GrowingIndex(DIMENSION, exact_features_max=900)
    index.load(owners_of(200), vectors[:200].reshape(-1, DIMENSION))
    index.add(300, vectors[299])
    index.replace_oldest(1, vectors[298, 0])
    index.drop_oldest(2)
    index.wait()
    assert 'clusters' in index.kind and len(index) == 201 * FEATURES - 1
    np.testing.assert_array_equal(index.features_of(300), vectors[299])
    np.testing.assert_array_equal(index.features_of(1), np.concatenate([vectors[0, 1:],
                                                                        vectors[298, :1]]))
    np.testing.assert_array_equal(index.features_of(2), vectors[1, 1:])
    assert (index.search(vectors[99], 1)[1] == 100).all()


def test_erasure_ends_a_construction_and_the_next_feature_begins_it(vectors: FeatureArray) -> None:
    """Nobody erased is in an index that was begun before."""
    index = GrowingIndex(DIMENSION, exact_features_max=900)
    index.load(owners_of(200), vectors[:200].reshape(-1, DIMENSION))
    assert index.remove(5) == FEATURES
    index.add(300, vectors[299])
    index.wait()
    assert 'clusters' in index.kind and index.count(5) == 0
    assert vectors[4, 0].tobytes() not in bytes_in_memory(index._index, sizes_of(index._index))
    index.clear()
    assert index.kind == 'exact' and len(index) == 0
