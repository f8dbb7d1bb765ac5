"""An identity for one network alone: a bounded perturbation over the picture of somebody else.

    x' = clip(x0 + epsilon up(d)),  |d| <= 1          x0: a store person drawn at random
    g = grad_d (1 - cos(E(x'), f)) / mean|.|;   m <- mu m + g;   d <- clip(d - alpha sign(m))

This is the momentum iterative attack of Dong et al. (CVPR 2018), aimed at an identity feature f.
Refining codes repaints clothes, which every network reads; a perturbation this small is read by
the network E it was made for, hardly by another one, and does not change what the picture shows.
d has half the resolution of the picture, so that resizing and JPEG leave most of it.
"""
from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.latent_rag.refinement import SignMomentum

BLOCK_PX = 2
"""Pixels of the picture, along each side, that share one value of the perturbation."""


@dataclass(frozen=True)
class PerturbationLayout:
    """How the perturbation of a picture is kept as rows below its code.

    Parameters
    ----------
    image_size_px : tuple of int
        Height and width of the pictures.
    dimension : int
        D, length of a row.
    epsilon : float
        Most that a colour changes, of 1.
    """

    image_size_px: tuple[int, int]
    dimension: int
    epsilon: float

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the perturbation."""
        height_px, width_px = self.image_size_px
        return 3, -(-height_px // BLOCK_PX), -(-width_px // BLOCK_PX)

    @property
    def rows(self) -> int:
        """Rows of D values that hold the perturbation; the last one may have some to spare."""
        channels, height, width = self.shape
        return -(-channels * height * width // self.dimension)

    def perturbed(self, images: Tensor, rows: Tensor) -> Tensor:
        """Return images (n, 3, h, w) in 0..1, perturbed by `rows` (n, rows, D) in -1..1."""
        channels, height, width = self.shape
        values = rows.flatten(1)[:, :channels * height * width].view(-1, *self.shape)
        large = functional.interpolate(values, self.image_size_px, mode='bilinear',
                                       align_corners=False)
        return (images + self.epsilon * large).clamp(0, 1)


@dataclass(frozen=True)
class PerturbationSettings:
    """Settings of one search; `step` is alpha, a share of epsilon."""

    iterations: int
    step: float
    momentum: float
    stop_cosine: float
    deadline_s: float | None = None
    """Monotonic time after which no further iteration starts; None never stops for time."""


def perturb(embedder: Embedder, layout: PerturbationLayout, images: Tensor, features: Tensor,
            rows: Tensor, settings: PerturbationSettings) -> tuple[Tensor, Tensor]:
    """Search perturbations; persons that reach `stop_cosine` drop out of the batch.

    Parameters
    ----------
    images : Tensor
        Pictures x0 of other people, shape (n, 3, h, w), RGB in 0..1.
    features : Tensor
        Identity features f, shape (n, d), L2 norm 1.
    rows : Tensor
        Perturbations to start from, shape (n, layout.rows, D), in -1..1; left unchanged.

    Returns
    -------
    rows : Tensor
        Perturbations found, shape (n, layout.rows, D), in -1..1.
    iterations : Tensor
        Iterations each person took, shape (n,), int64.
    """
    rows = rows.clone()
    taken = torch.zeros(len(rows), dtype=torch.int64, device=rows.device)
    momentum = SignMomentum(rows, settings.momentum)
    step = torch.tensor(settings.step, device=rows.device)
    people = torch.arange(len(rows), device=rows.device)
    for _ in range(settings.iterations):
        out_of_time = (settings.deadline_s is not None
                       and time.monotonic() >= settings.deadline_s)
        if len(people) == 0 or out_of_time:
            break
        moving = rows[people].requires_grad_(True)
        reached = embedder.embed(layout.perturbed(images[people], moving))
        cosine = (reached * features[people]).sum(1)
        gradient, = torch.autograd.grad((1 - cosine).sum(), moving)
        going_on = cosine.detach() < settings.stop_cosine
        moved = momentum.step(moving.detach(), gradient, step, people).clamp(-1, 1)
        people, moved = people[going_on], moved[going_on]
        rows[people] = moved
        taken[people] += 1
    return rows, taken
