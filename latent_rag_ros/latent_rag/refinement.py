"""Identity-aligned update of the fused code (Latent-RAG, eq. 6-7), coarse and fine in turn.

    coarse layers   L_div = -|| G(w) - x ||_2         away from the picture
    fine layers     L_id  = 1 - cos(E(G(w)), f)       towards the identity
    both            g = grad / mean|grad|;  m <- mu m + g;  w <- w - alpha sign(m)

Within an iteration the coarse layers move first and the picture is synthesised again before the
fine layers move. The norm is taken over images in -1..1. alpha is absolute, or a multiple of the
store's standard deviation of each layer.
"""
from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.latent_rag.generator import COARSE_LAYERS, Generator


@dataclass(frozen=True)
class RefinementSettings:
    """Settings of one refinement; step tensors have shape (layers, 1) and broadcast over codes."""

    iterations: int
    coarse_steps: Tensor
    fine_steps: Tensor
    momentum: float
    stop_cosine: float
    deadline_s: float | None = None
    """Monotonic time after which no further iteration starts; None never stops for time."""
    coarse_layers: int = COARSE_LAYERS.stop
    """How many first layers of the code are coarse; the rest is fine."""

    @property
    def bands(self) -> tuple[slice, slice]:
        """Rows of the coarse and of the fine layers in a code."""
        return slice(0, self.coarse_layers), slice(self.coarse_layers, None)


class SignMomentum:
    """The momentum of one band of layers and its update."""

    def __init__(self, band: Tensor, momentum: float) -> None:
        self.value = torch.zeros_like(band)
        self.momentum = momentum

    def step(self, band: Tensor, gradient: Tensor, steps: Tensor, rows: Tensor) -> Tensor:
        """Return the moved layers of `band`; `rows` are its persons in the momentum's batch."""
        scale = gradient.abs().mean((1, 2), keepdim=True).clamp(min=1e-12)
        moved = self.momentum * self.value[rows] + gradient / scale
        self.value[rows] = moved
        return band - steps * moved.sign()


def diversity_loss(images: Tensor, crops: Tensor) -> Tensor:
    """L_div summed over the batch; images and crops (n, 3, h, w) in 0..1."""
    return -((images - crops) * 2).flatten(1).norm(dim=1).sum()


def _coarse_update(generator: Generator, crops: Tensor, codes: Tensor, momentum: SignMomentum,
                   settings: RefinementSettings, rows: Tensor) -> Tensor:
    coarse_band, fine_band = settings.bands
    band = codes[:, coarse_band].clone().requires_grad_(True)
    images = generator(torch.cat([band, codes[:, fine_band]], 1))
    gradient, = torch.autograd.grad(diversity_loss(images, crops), band)
    moved = momentum.step(band.detach(), gradient, settings.coarse_steps, rows)
    return torch.cat([moved, codes[:, fine_band]], 1)


def refine(generator: Generator, embedder: Embedder, crops: Tensor, features: Tensor,
           codes: Tensor, settings: RefinementSettings) -> tuple[Tensor, Tensor]:
    """Refine a batch of codes; persons that reach `stop_cosine` drop out of the batch.

    Parameters
    ----------
    crops : Tensor
        Input crops x, shape (n, 3, h, w) like the generator's images, RGB in 0..1.
    features : Tensor
        Identity features f, shape (n, 256), L2 norm 1.
    codes : Tensor
        Fused W+ codes, shape (n, L, D); left unchanged.

    Returns
    -------
    codes : Tensor
        Refined codes, shape (n, L, D).
    iterations : Tensor
        Iterations each person took, shape (n,), int64.
    """
    codes = codes.clone()
    taken = torch.zeros(len(codes), dtype=torch.int64, device=codes.device)
    coarse_band, fine_band = settings.bands
    coarse = SignMomentum(codes[:, coarse_band], settings.momentum)
    fine = SignMomentum(codes[:, fine_band], settings.momentum)
    rows = torch.arange(len(codes), device=codes.device)
    moves_coarse, moves_fine = bool(settings.coarse_steps.any()), bool(settings.fine_steps.any())
    for _ in range(settings.iterations):
        out_of_time = (settings.deadline_s is not None
                       and time.monotonic() >= settings.deadline_s)
        if len(rows) == 0 or out_of_time:
            break
        active = codes[rows]
        if moves_coarse:
            active = _coarse_update(generator, crops[rows], active, coarse, settings, rows)
        active = active.requires_grad_(moves_fine)
        cosine = (embedder.embed(generator(active)) * features[rows]).sum(1)
        going_on = cosine.detach() < settings.stop_cosine
        codes[rows] = active.detach()
        if moves_fine:
            gradient, = torch.autograd.grad((1 - cosine).sum(), active)
            moved = fine.step(active.detach()[:, fine_band], gradient[:, fine_band],
                              settings.fine_steps, rows)
            codes[rows[going_on], fine_band] = moved[going_on]
        rows = rows[going_on]
        taken[rows] += 1
    return codes, taken
