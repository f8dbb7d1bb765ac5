"""How long Latent-RAG takes at the size it was published with, on this machine.

One person: embed, T = 10 iterations of the coarse and the fine update (Latent-RAG, eq. 6-7), and
synthesise. A few true iterations are timed and the fastest counts ten times; retrieval, fusion
and verification are left out. All of that flatters the reference.
"""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.bench.reference_networks import (
    CODE_DIMENSION, CODE_LAYERS, COARSE_LAYERS, CROP_HEIGHT_PX, CROP_WIDTH_PX, ReferenceEmbedder,
    ReferenceGenerator, parameter_count)
from latent_rag_ros.device import resolve_device

ITERATIONS = 10
"""T of the paper."""

FORWARD_CALLS, SEED, SECOND_MS = 3, 0, 1000.0
STEP, MOMENTUM = 0.01, 0.9


class ReferenceAlgorithm:
    """One person on the way through networks of published size, with random weights.

    Parameters
    ----------
    device : str
        Where they run.
    """

    def __init__(self, device: str) -> None:
        torch.manual_seed(SEED)
        self.device = device
        self.generator = ReferenceGenerator().to(device).eval().requires_grad_(False)
        self.embedder = ReferenceEmbedder().to(device).eval().requires_grad_(False)
        self.crop = torch.rand(1, 3, CROP_HEIGHT_PX, CROP_WIDTH_PX, device=device)
        self.codes = torch.randn(1, CODE_LAYERS, CODE_DIMENSION, device=device)
        self._momentum = torch.zeros_like(self.codes)
        with torch.no_grad():
            self.feature = self.embedder(self.crop)

    def embed(self) -> None:
        """Embed the crop."""
        with torch.no_grad():
            self.feature = self.embedder(self.crop)

    def iterate(self) -> None:
        """Move the coarse layers away from the picture, then the fine ones to the identity."""
        self._update(slice(0, COARSE_LAYERS), lambda images: -(images - self.crop).norm())
        self._update(slice(COARSE_LAYERS, None),
                     lambda images: 1 - (self.embedder(images) * self.feature).sum())

    def synthesise(self) -> None:
        """Draw the person of the codes."""
        with torch.no_grad():
            self._images(self.codes)

    def _images(self, codes: Tensor) -> Tensor:
        return functional.interpolate(self.generator(codes), (CROP_HEIGHT_PX, CROP_WIDTH_PX),
                                      mode='bilinear', align_corners=False)

    def _update(self, band: slice, loss: Callable[[Tensor], Tensor]) -> None:
        moving = self.codes[:, band].clone().requires_grad_(True)
        codes = self.codes.clone()
        codes[:, band] = moving
        gradient, = torch.autograd.grad(loss(self._images(codes)), moving)
        momentum = MOMENTUM * self._momentum[:, band] + gradient / gradient.abs().mean()
        self._momentum[:, band] = momentum
        self.codes[:, band] = moving.detach() - STEP * momentum.sign()


def reference_speed(device: str, iterations_timed: int) -> dict[str, Any]:
    """Return what one person costs at the published size, in ms, and how that was measured.

    `ms_per_person` = embed + 10 x the fastest of `iterations_timed` iterations + synthesise, after
    one further iteration to warm up. `device` is auto, cpu or cuda:N.
    """
    algorithm = ReferenceAlgorithm(resolve_device(device))
    embed_ms = min(_timed_ms(algorithm, algorithm.embed) for _ in range(FORWARD_CALLS))
    synthesise_ms = min(_timed_ms(algorithm, algorithm.synthesise) for _ in range(FORWARD_CALLS))
    algorithm.iterate()
    iterations_ms = [_timed_ms(algorithm, algorithm.iterate) for _ in range(iterations_timed)]
    total_ms = embed_ms + ITERATIONS * min(iterations_ms) + synthesise_ms
    return {
        'ms_per_person': round(total_ms, 1), 'embed_ms': round(embed_ms, 1),
        'iteration_ms': round(min(iterations_ms), 1), 'synthesise_ms': round(synthesise_ms, 1),
        'iterations_timed': iterations_timed, 'iterations': ITERATIONS,
        'extrapolated': 'the fastest timed iteration counts for all', 'device': algorithm.device,
        'generator_parameters': parameter_count(algorithm.generator),
        'embedder_parameters': parameter_count(algorithm.embedder),
    }


def _timed_ms(algorithm: ReferenceAlgorithm, call: Callable[[], None]) -> float:
    """Return the wall time of a call in ms, all work of the device included."""
    cuda = algorithm.device != 'cpu'
    if cuda:
        torch.cuda.synchronize(algorithm.device)
    began_s = time.perf_counter()
    call()
    if cuda:
        torch.cuda.synchronize(algorithm.device)
    return SECOND_MS * (time.perf_counter() - began_s)
