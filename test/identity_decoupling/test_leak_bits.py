"""The sampler's leak: known galleries, brute force, and the limits of the bound."""
from __future__ import annotations

import math

import numpy as np
import pytest

from latent_rag_ros.identity_decoupling.leak_bits import sampler_leak


def unit_rows(random: np.random.Generator, rows: int, dimension: int) -> np.ndarray:
    """Return random rows of length 1."""
    codes = random.standard_normal((rows, dimension))
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def clusters(random: np.random.Generator, count: int, dimension: int) -> np.ndarray:
    """Return codes around a few centres, so that many proposals are rejected."""
    centres = unit_rows(random, count, dimension)
    codes = centres.repeat(20, 0) + 0.3 * unit_rows(random, 20 * count, dimension)
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def information_by_table(originals: np.ndarray, proposals: np.ndarray, cosine_max: float,
                         tries: int | None) -> float:
    """Return the mutual information from the table of all joint probabilities."""
    rows = []
    for original in originals:
        accepted = (proposals @ original < cosine_max).astype(float)
        share = accepted.mean()
        success = float(share > 0) if tries is None else 1 - (1 - share) ** tries
        rows.append([*(success * accepted / max(accepted.sum(), 1)), 1 - success])
    table = np.array(rows) / len(rows)
    apart = table.sum(1, keepdims=True) * table.sum(0, keepdims=True)
    joint = table[table > 0]
    return float((joint * np.log2(joint / apart[table > 0])).sum())


@pytest.mark.parametrize('tries', [None, 64])
def test_leak_of_two_orthogonal_codes_is_one_bit(tries: int | None) -> None:
    codes = np.eye(2)
    leak = sampler_leak(codes, codes, 0.3, tries)
    assert leak.bound_bits == 1 and leak.exact_bits == 1 and leak.worst_bits == 1
    assert leak.solid_share == 0


def test_corrected_bound_adds_what_the_attributes_tell() -> None:
    leak = sampler_leak(np.eye(2), np.eye(2), 0.3)
    assert leak.with_attributes(0.25) == 1.25
    with pytest.raises(ValueError, match='attribute_bits is -1'):
        leak.with_attributes(-1)


@pytest.mark.parametrize('tries', [None, 1, 3, 40])
@pytest.mark.parametrize('cosine_max', [-0.1, 0.1, 0.5])
def test_exact_leak_is_that_of_the_table_and_within_the_bound(
        tries: int | None, cosine_max: float) -> None:
    random = np.random.default_rng(3)
    originals, proposals = clusters(random, 3, 6), clusters(random, 4, 6)
    leak = sampler_leak(originals, proposals, cosine_max, tries)
    expected = information_by_table(originals, proposals, cosine_max, tries)
    assert leak.exact_bits == pytest.approx(expected, abs=1e-9)
    assert leak.exact_bits <= leak.bound_bits + 1e-9


def test_bound_is_the_mean_surprise_when_tries_have_no_limit() -> None:
    codes = clusters(np.random.default_rng(1), 5, 16)
    accepted = (codes @ codes.T < 0.2).mean(1)
    leak = sampler_leak(codes, codes, 0.2)
    assert leak.bound_bits == pytest.approx(-np.log2(accepted).mean())
    assert leak.worst_bits == pytest.approx(-np.log2(accepted.min()))


def test_leak_is_small_when_nearly_every_code_is_far() -> None:
    codes = unit_rows(np.random.default_rng(0), 500, 256)
    assert sampler_leak(codes, codes, 0.3).bound_bits < 0.01


def test_leak_is_counted_when_some_originals_get_no_replacement() -> None:
    originals, proposals = np.eye(2), np.eye(2)[:1]
    limited = sampler_leak(originals, proposals, 0.3, tries=8)
    assert limited.solid_share == 0.5
    assert limited.bound_bits == pytest.approx(1) and limited.exact_bits == pytest.approx(1)
    assert math.isinf(sampler_leak(originals, proposals, 0.3).bound_bits)
    assert math.isinf(limited.worst_bits)


def test_nobody_gets_a_replacement_when_everything_is_too_near() -> None:
    leak = sampler_leak(np.eye(3), np.eye(3), -0.5, tries=8)
    assert leak.solid_share == 1 and leak.bound_bits == 0 and leak.exact_bits == 0


def test_leak_is_refused_without_codes_or_tries() -> None:
    with pytest.raises(ValueError, match='at least one of each'):
        sampler_leak(np.zeros((0, 2)), np.eye(2), 0.3)
    with pytest.raises(ValueError, match='tries is 0'):
        sampler_leak(np.eye(2), np.eye(2), 0.3, 0)
