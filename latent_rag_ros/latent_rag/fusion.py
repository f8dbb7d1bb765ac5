"""Inverse self-attention over the retrieved codes (Latent-RAG, eq. 3-5): m codes become one.

Layer by layer, with Q = K = V = Z, shape (m, D) per layer:

    S = Z Z^T / sqrt(D);   A = softmax_rows(R / tau);   w = mean over rows of A Z

    reciprocal (published)   R = 1 / S, element-wise
    negative                 R = -S
    mean                     A = 1 / m

The weights favour codes that are unlike the others, so no single neighbour shows through. On
W+ codes, which share an average code, `reciprocal` at tau = 1 is within a few per cent of `mean`;
on zero-centred codes it follows the sign of near-zero products and `negative` is to be used.
"""
from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_PRODUCT = 1e-6
"""Products closer to zero than this are moved there before they are inverted."""

ATTENTION_MODES = ('reciprocal', 'negative', 'mean')


def attention_weights(codes: Tensor, mode: str, temperature: float) -> Tensor:
    """Return A, shape (n, L, m, m), rows summing to 1, for codes of shape (n, m, L, D).

    Raises
    ------
    ValueError
        `mode` is not one of `ATTENTION_MODES`.
    """
    z = codes.transpose(1, 2)                                               # (n, L, m, D)
    products = z @ z.transpose(-1, -2) / codes.shape[-1] ** 0.5             # (n, L, m, m)
    if mode == 'mean':
        return torch.full_like(products, 1 / codes.shape[1])
    if mode == 'negative':
        return torch.softmax(-products / temperature, -1)
    if mode == 'reciprocal':
        sign = torch.where(products < 0, -1.0, 1.0)
        guarded = torch.where(products.abs() < SMALLEST_PRODUCT, sign * SMALLEST_PRODUCT, products)
        return torch.softmax(1 / (guarded * temperature), -1)
    raise ValueError(f'attention mode is {mode!r}; choose one of {", ".join(ATTENTION_MODES)}')


def fuse(codes: Tensor, mode: str = 'reciprocal', temperature: float = 1.0) -> Tensor:
    """Blend the codes of the neighbours of each person into one code.

    Parameters
    ----------
    codes : Tensor
        Retrieved W+ codes, shape (n, m, L, D), float.
    mode : str
        One of `ATTENTION_MODES`.
    temperature : float
        tau of the softmax, above 0.

    Returns
    -------
    Tensor
        Shape (n, L, D).
    """
    weights = attention_weights(codes, mode, temperature)
    return (weights @ codes.transpose(1, 2)).mean(2)
