"""Rows that are searched by codes first: the answer is that of all float32 products."""
from __future__ import annotations

import faiss
import numpy as np
import pytest

from latent_rag_ros.gallery.feature_rows import CODE_MAX, FeatureRows
from latent_rag_ros.gallery.features import FeatureArray

ROUNDING = 2e-6
"""What two orders of adding 256 products in float32 can differ by, twice over."""


def unit_vectors(count: int, dimension: int = 256, seed: int = 0) -> FeatureArray:
    """Return random rows of norm 1 that share a direction, float32."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, dimension)) + random.normal(size=dimension) / 2
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def views(vectors: FeatureArray, noise: float, seed: int = 1) -> FeatureArray:
    """Return rows of norm 1 near those given."""
    random = np.random.default_rng(seed)
    noisy = vectors + noise * random.normal(size=vectors.shape) / vectors.shape[1] ** 0.5
    return (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32)


def filled(vectors: FeatureArray) -> FeatureRows:
    """Return rows of these vectors."""
    rows = FeatureRows(vectors.shape[1])
    rows.append(vectors)
    return rows


def assert_exact(rows: FeatureRows, vectors: FeatureArray, queries: FeatureArray,
                 count: int) -> None:
    """Compare a search with a float64 product of everything; only rounding may differ."""
    cosines, found = rows.search(queries, count)
    products = queries.astype(np.float64) @ vectors.astype(np.float64).T
    best = -np.sort(-products, axis=1)[:, :count]
    np.testing.assert_allclose(cosines, best, atol=ROUNDING)
    np.testing.assert_allclose(np.take_along_axis(products, found, axis=1), best, atol=ROUNDING)
    assert all(len(set(row)) == count for row in found.tolist())


@pytest.mark.parametrize('count', [1, 11, 81])
def test_search_equals_all_products_when_codes_are_read_first(count: int) -> None:
    """Known people and strangers find the rows that brute force finds, and the same cosines."""
    vectors = np.concatenate([views(unit_vectors(2000), 0.6, seed) for seed in range(5)])
    rows = filled(vectors)
    queries = np.concatenate([views(vectors[:20], 0.6, 7), unit_vectors(20, seed=9)])
    assert_exact(rows, vectors, queries, count)
    assert rows._search_codes(queries, count, 4 * count + 64)[2].all()
    np.testing.assert_allclose(rows.search(queries, count)[0],
                               rows._flat.search(queries, count)[0], atol=ROUNDING)


def test_search_equals_all_products_when_codes_tell_nothing() -> None:
    """Rows that are all nearly the same get nearly the same codes: float32 decides."""
    vectors = views(np.repeat(unit_vectors(1), 5000, axis=0), 0.005)
    rows, queries = filled(vectors), views(vectors[:5], 0.005, 3)
    assert not rows._search_codes(queries, 11, 108)[2].any()
    assert_exact(rows, vectors, queries, 11)


@pytest.mark.parametrize('dimension', [17, 256, 2048])
def test_search_is_exact_when_single_numbers_are_large(dimension: int) -> None:
    """One-hot rows and queries widen the steps of all codes; the bound follows."""
    vectors = unit_vectors(4000, dimension)
    rows = filled(vectors)
    rows.append(np.eye(dimension, dtype=np.float32)[:5])
    vectors = np.concatenate([vectors, np.eye(dimension, dtype=np.float32)[:5]])
    assert_exact(rows, vectors, np.concatenate([vectors[-5:], vectors[:5]]), 9)


def test_products_of_codes_differ_by_no_more_than_the_bound() -> None:
    """FAISS multiplies the codes that are meant: whole numbers of both signs, up to 127."""
    vectors, queries = unit_vectors(3000), unit_vectors(4, seed=5)
    rows = filled(vectors)
    coded = rows.codes.astype(np.int64) - CODE_MAX - 1
    step = rows._largest / CODE_MAX
    assert np.linalg.norm(vectors - coded * step, axis=1).max() <= rows._error + 1e-6
    whole = np.rint(queries * CODE_MAX / np.abs(queries).max(axis=1, keepdims=True))
    products, found = rows._codes.search(whole.astype(np.float32), 50)
    np.testing.assert_array_equal(
        products, np.take_along_axis(whole.astype(np.int64) @ coded.T, found, axis=1))


def test_codes_follow_when_rows_are_changed() -> None:
    """After overwriting, moving and cutting off, rows and codes are those of the vectors."""
    vectors, new = unit_vectors(3000), unit_vectors(3, seed=4)
    rows = filled(vectors)
    for row, vector in zip((0, 17, 2999), new):
        rows.overwrite(row, vector)
        vectors[row] = vector
    rows.move([2998, 2999], [5, 6])
    vectors[5:7] = vectors[2998:]
    cut_off = faiss.rev_swig_ptr(rows._codes.codes.data(), 3000 * 256).reshape(3000, 256)[2998:]
    rows.truncate(2998)
    assert len(rows) == 2998 and not cut_off.any()
    fresh = filled(vectors[:2998])
    np.testing.assert_array_equal(rows.vectors, vectors[:2998])
    np.testing.assert_array_equal(rows.codes, fresh.codes)
    assert_exact(rows, vectors[:2998], views(vectors[:10], 0.5), 5)
