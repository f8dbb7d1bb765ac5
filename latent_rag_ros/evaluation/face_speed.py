"""How long it takes to draw a face."""
from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping
from typing import Any

import torch

from latent_rag_ros.identity_decoupling.face_replacer import FaceReplacer
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX

ROUNDS_S_MAX, ROUNDS_MAX, ROUNDS_MIN = 5.0, 15, 2
THREADS = 2


def speed_figures(replacers: Mapping[str, FaceReplacer]) -> dict[str, Any]:
    """Return the median milliseconds of a face by replacer, and what they were measured with.

    One face is encoded, generated and decoded; oracles and enforcement come on top.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        found: dict[str, Any] = {name: _median_ms(replacer)
                                 for name, replacer in replacers.items()}
    finally:
        torch.set_num_threads(threads)
    return found | {
        'steps': {name: replacer.generator.steps for name, replacer in replacers.items()},
        'threads': THREADS, 'side_px': SIDE_PX, 'load_average': os.getloadavg()[0],
        'of': 'encoder, mesh, denoiser and decoder of one face'}


@torch.no_grad()
def _median_ms(replacer: FaceReplacer) -> float:
    generator, taken = replacer.generator, []
    device = next(generator.unet.parameters()).device
    face = torch.rand(1, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))
    identity = torch.from_numpy(replacer.sampler.gallery.codes[:1])
    generator.faces(face.to(device), identity.to(device), 0)
    while len(taken) < ROUNDS_MIN or (len(taken) < ROUNDS_MAX and sum(taken) < ROUNDS_S_MAX):
        start_s = time.perf_counter()
        generator.faces(face.to(device), identity.to(device), 0).cpu()
        taken.append(time.perf_counter() - start_s)
    return 1000 * statistics.median(taken)
