"""Codes of pictures for a generator without an encoder: found by optimisation, picture by picture.

    w* = argmin_w  mean|G(w) - x|  +  lambda (1 - cos(E(G(w)), f))

by Adam (Kingma and Ba, ICLR 2015) from the zero code. That is slow, and good only where the zero
code is a plausible person, as it is for codes that count from their mean; an encoder that was
trained with the generator is better.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

IDENTITY_WEIGHT = 0.5
STEP = 0.05


def invert(generator: Callable[[Tensor], Tensor], embed: Callable[[Tensor], Tensor],
           crops: Tensor, code_shape: tuple[int, int], steps: int) -> Tensor:
    """Return the best codes met on the way, shape (n, L, D).

    Parameters
    ----------
    generator : callable
        Codes (n, L, D) to images (n, 3, h, w) in 0..1, differentiable.
    embed : callable
        Images to features (n, d), L2 norm 1. The identity counts only where it is differentiable.
    crops : Tensor
        Pictures, shape (n, 3, h, w) like the generator's images, RGB in 0..1.
    code_shape : tuple of int
        L and D.
    steps : int
        Steps of the optimiser, at least 1.
    """
    with torch.no_grad():
        features = embed(crops)
    codes = torch.zeros(len(crops), *code_shape, device=crops.device, requires_grad=True)
    optimiser = torch.optim.Adam([codes], lr=STEP)
    best = codes.detach().clone()
    best_loss = torch.full((len(crops),), torch.inf, device=crops.device)
    for _ in range(steps):
        images = generator(codes)
        loss = ((images - crops).abs().mean((1, 2, 3))
                + IDENTITY_WEIGHT * (1 - (embed(images) * features).sum(1)))
        better = loss.detach() < best_loss
        best_loss = torch.where(better, loss.detach(), best_loss)
        best[better] = codes.detach()[better]
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
    return best
