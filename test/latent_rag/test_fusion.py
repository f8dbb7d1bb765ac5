"""Inverse self-attention: the published equations and the facts that are known about them."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.latent_rag.fusion import attention_weights, fuse


def codes_like_w_plus(count: int = 2, neighbours: int = 10) -> torch.Tensor:
    """Codes that share an average code, as those of the encoder do."""
    generator = torch.Generator().manual_seed(1)
    average = torch.randn(10, 128, generator=generator)
    return average + 0.6 * torch.randn(count, neighbours, 10, 128, generator=generator)


def fused_by_hand(codes: np.ndarray) -> np.ndarray:
    """Eq. 3-5 for one person and one layer, written with loops; `codes` has shape (m, D)."""
    count, dimension = codes.shape
    blended = np.zeros(dimension)
    for i in range(count):
        inverse = [1 / (codes[i] @ codes[j] / dimension ** 0.5) for j in range(count)]
        weights = np.exp(np.array(inverse) - max(inverse))
        blended += (weights / weights.sum()) @ codes / count
    return blended


def test_reciprocal_fusion_equals_the_published_equations():
    codes = codes_like_w_plus(neighbours=4).double()
    fused = fuse(codes, 'reciprocal', 1.0)
    for layer in (0, 9):
        expected = fused_by_hand(codes[1, :, layer].numpy())
        np.testing.assert_allclose(fused[1, layer].numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize('mode', ['reciprocal', 'negative', 'mean'])
def test_attention_rows_sum_to_one_in_every_mode(mode):
    weights = attention_weights(codes_like_w_plus(), mode, 0.5)
    assert weights.shape == (2, 10, 10, 10)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 10, 10))


def test_negative_attention_favours_the_code_unlike_the_others():
    codes = torch.ones(1, 3, 10, 128)
    codes[0, 2] = -1
    weights = attention_weights(codes, 'negative', 1.0)
    assert (weights[0, :, 0, 2] > 0.99).all()


def test_mean_fusion_is_the_average_of_the_codes():
    codes = codes_like_w_plus()
    torch.testing.assert_close(fuse(codes, 'mean'), codes.mean(1))


def test_fusion_stays_finite_when_products_are_zero():
    codes = torch.zeros(1, 2, 10, 128)
    codes[0, 0, :, 0], codes[0, 1, :, 1] = 1, 1
    assert fuse(codes, 'reciprocal').isfinite().all()


def test_one_neighbour_is_returned_unchanged():
    codes = codes_like_w_plus(neighbours=1)
    torch.testing.assert_close(fuse(codes, 'reciprocal'), codes[:, 0])


def test_unknown_attention_mode_is_refused_by_name():
    with pytest.raises(ValueError, match="'inverse'.*reciprocal"):
        fuse(codes_like_w_plus(), 'inverse')
