"""The latent consistency model: the teacher's fifty steps in one to four.

Song et al., "Consistency Models", ICML 2023, and Luo et al., "Latent Consistency Models", 2023:
f(z, t) = c_skip(t) z + c_out(t) z_0(z, t) gives the same answer along a whole path of the teacher.
It learns that f at one step of the path equals its own running average at the step before.
"""
from __future__ import annotations

import torch
from torch import Tensor

from latent_rag_ros.identity_decoupling.diffusion import (
    CLEAN, STEPS, TEACHER_STEPS_MAX, Denoiser, clean_estimate, ddim_step, noised, step_times)

DATA_DEVIATION, TIME_SCALE = 0.5, 10.0
HUBER = 1e-3
NOISIEST_SHARE = 0.5
STUDENT_STEPS_MAX = 4
STRIDE = STEPS // TEACHER_STEPS_MAX


def consistent(denoise: Denoiser, latents: Tensor, times: Tensor) -> Tensor:
    """Return f(z, t) for latents (n, ...) and times (n,); the latents themselves when clean."""
    shape = (-1, *[1] * (latents.ndim - 1))
    scaled = TIME_SCALE * (times + 1).to(latents).view(shape)          # zero at the clean time
    skip = DATA_DEVIATION ** 2 / (scaled ** 2 + DATA_DEVIATION ** 2)
    out = scaled / (scaled ** 2 + DATA_DEVIATION ** 2).sqrt()
    return skip * latents + out * clean_estimate(latents, times, denoise(latents,
                                                                         times.clamp_min(0)))


def distillation_loss(student: Denoiser, average: Denoiser, teacher: Denoiser, latents: Tensor,
                      ) -> tuple[Tensor, Tensor]:
    """Return the loss of one step of distillation (pseudo-Huber), and the student's answers.

    Noisy times are drawn more often: there a face has to come from its conditions. Half of all
    latents get the noisiest time, where a single step has to do it all.

    Parameters
    ----------
    student, average, teacher : callable
        Denoisers; gradients flow to the student alone.
    latents : Tensor
        Clean latents (n, ...).
    """
    share = torch.rand(len(latents), device=latents.device).sqrt()
    rows = (TEACHER_STEPS_MAX * share).long().clamp_max(TEACHER_STEPS_MAX - 1)
    first = torch.rand(len(latents), device=latents.device) < NOISIEST_SHARE
    rows = torch.where(first, TEACHER_STEPS_MAX - 1, rows)
    times = STRIDE * (rows + 1) - 1
    earlier = torch.where(rows > 0, times - STRIDE, CLEAN)
    noisy = noised(latents, times, torch.randn_like(latents))
    with torch.no_grad():
        before = ddim_step(noisy, times, earlier, teacher(noisy, times))
        wanted = consistent(average, before, earlier)
    found = consistent(student, noisy, times)
    return (((found - wanted).square() + HUBER ** 2).sqrt() - HUBER).mean(), found


def sample_student(denoise: Denoiser, start: Tensor, steps: int = 4,
                   generator: torch.Generator | None = None) -> Tensor:
    """Return latents from pure noise `start` (n, ...) in 1 to 4 steps.

    `generator`, on the CPU, draws the noise between the steps, one for all rows: the same seed and
    start give the same latents. Raises ValueError for other numbers of steps.
    """
    if not 1 <= steps <= STUDENT_STEPS_MAX:
        raise ValueError(f'steps is {steps}; give 1 to {STUDENT_STEPS_MAX}')
    latents = start
    for number, time in enumerate(step_times(steps)):
        if number:
            fresh = torch.randn(start.shape[1:], generator=generator).to(start).expand_as(start)
            latents = noised(latents, torch.full((len(start),), time, device=start.device), fresh)
        now = torch.full((len(start),), time, device=start.device)
        latents = consistent(denoise, latents, now)
    return latents
