"""The noise of the diffusion: how much at which step, how to add it, how to step back.

Forward: z_t = a_t z_0 + s_t eps with a_t^2 + s_t^2 = 1 (Ho et al., NeurIPS 2020, eq. 4). Back,
without new noise: z_s = a_s z_0 + s_s eps from the predicted z_0 and eps (Song et al., "DDIM",
ICLR 2021, eq. 12 with sigma = 0).
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 1000
TEACHER_STEPS_MAX = 50
GUIDANCE = 0.0
"""How far the teacher leaves the noise without identity behind, see `guided`. Counterparts make it
follow the identity anyway, and at 1.5 faces lost their features."""

CLEAN = -1
"""The time before step 0: no noise at all."""

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""Noised latents (n, ...) and times (n,) to the noise in them."""


def _levels() -> tuple[Tensor, Tensor]:
    """Return a and s (1001,) of steps 0..999 and, last, of the clean time."""
    betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, STEPS, dtype=torch.float64) ** 2
    kept = torch.cat([(1 - betas).cumprod(0), torch.ones(1, dtype=torch.float64)])
    return kept.sqrt().float(), (1 - kept).sqrt().float()


SIGNAL, NOISE = _levels()


def levels(times: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return a_t and s_t of times (n,), -1 for clean, shaped to multiply `like` (n, ...)."""
    shape = (-1, *[1] * (like.ndim - 1))
    rows = times.long().cpu()
    return tuple(table[rows].to(like).view(shape) for table in (SIGNAL, NOISE))


def noised(latents: Tensor, times: Tensor, noise: Tensor) -> Tensor:
    """Return latents (n, ...) with the noise of times (n,)."""
    signal, amount = levels(times, latents)
    return signal * latents + amount * noise


def clean_estimate(latents: Tensor, times: Tensor, noise: Tensor) -> Tensor:
    """Return z_0 as it follows from noised latents and the predicted noise."""
    signal, amount = levels(times, latents)
    return (latents - amount * noise) / signal


def ddim_step(latents: Tensor, times: Tensor, earlier: Tensor, noise: Tensor) -> Tensor:
    """Return latents of times (n,) as they were at `earlier` (n,), given the predicted noise."""
    return noised(clean_estimate(latents, times, noise), earlier, noise)


def guided(denoise: Callable[[Tensor, Tensor, Tensor], Tensor], latents: Tensor, times: Tensor,
           guidance: float) -> Tensor:
    """Return c + w (c - u): the noise with identity, pushed away from that without.

    `denoise` takes latents, times and whether each row's identity is dropped (n,).
    """
    kept = torch.zeros(len(latents), dtype=torch.bool, device=latents.device)
    with_identity = denoise(latents, times, kept)
    if guidance == 0:
        return with_identity
    return with_identity + guidance * (with_identity - denoise(latents, times, ~kept))


def step_times(steps: int) -> list[int]:
    """Return `steps` times from the noisiest down, evenly spaced among 999, 979 ... 19.

    Raises ValueError outside 1..50.
    """
    if not 1 <= steps <= TEACHER_STEPS_MAX:
        raise ValueError(f'steps is {steps}; give 1 to {TEACHER_STEPS_MAX}')
    grid = [STEPS - 1 - STEPS // TEACHER_STEPS_MAX * row for row in range(TEACHER_STEPS_MAX)]
    return [grid[row * TEACHER_STEPS_MAX // steps] for row in range(steps)]


def sample_teacher(denoise: Denoiser, start: Tensor, steps: int = 50) -> Tensor:
    """Return latents from pure noise `start` (n, ...) in `steps` DDIM steps, at most 50."""
    latents, times = start, step_times(steps)
    for time, earlier in zip(times, [*times[1:], CLEAN]):
        now, before = (torch.full((len(latents),), value, device=latents.device)
                       for value in (time, earlier))
        latents = ddim_step(latents, now, before, denoise(latents, now))
    return latents
