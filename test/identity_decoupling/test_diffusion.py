"""Noise schedule, DDIM and consistency: exact where a perfect denoiser is known."""
from __future__ import annotations

import pytest
import torch
from torch import Tensor

from latent_rag_ros.identity_decoupling.consistency import (
    consistent, distillation_loss, sample_student)
from latent_rag_ros.identity_decoupling.diffusion import (
    CLEAN, NOISE, SIGNAL, clean_estimate, ddim_step, guided, noised, sample_teacher, step_times)

SHAPE = (3, 2, 4, 4)


@pytest.fixture
def latents() -> Tensor:
    """Return clean latents."""
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))


class PerfectDenoiser:
    """Knows the clean latents, so it names the noise exactly."""

    def __init__(self, latents: Tensor) -> None:
        self.latents, self.calls = latents, 0

    def __call__(self, noisy: Tensor, times: Tensor) -> Tensor:
        """Return the noise."""
        self.calls += 1
        return (noisy - SIGNAL[times].view(-1, 1, 1, 1) * self.latents) / NOISE[times].view(
            -1, 1, 1, 1)


def test_schedule_goes_from_nearly_clean_to_nearly_noise() -> None:
    torch.testing.assert_close(SIGNAL ** 2 + NOISE ** 2, torch.ones(1001))
    assert SIGNAL[CLEAN] == 1 and NOISE[CLEAN] == 0
    assert SIGNAL[0] > 0.99 and SIGNAL[999] < 0.1


def test_clean_latents_follow_from_the_noise(latents: Tensor) -> None:
    times, noise = torch.tensor([10, 500, 900]), torch.randn(SHAPE)
    found = clean_estimate(noised(latents, times, noise), times, noise)
    torch.testing.assert_close(found, latents, atol=1e-3, rtol=0)
    step = ddim_step(noised(latents, times, noise), times, times - 10, noise)
    torch.testing.assert_close(step, noised(latents, times - 10, noise), atol=1e-3, rtol=0)


@pytest.mark.parametrize('steps', [1, 7, 50])
def test_teacher_ends_at_the_latents_of_a_perfect_denoiser(latents: Tensor, steps: int) -> None:
    denoise = PerfectDenoiser(latents)
    found = sample_teacher(denoise, torch.randn(SHAPE), steps)
    torch.testing.assert_close(found, latents, atol=1e-3, rtol=0)
    assert denoise.calls == steps


def test_steps_outside_their_range_are_refused(latents: Tensor) -> None:
    assert step_times(4) == [999, 759, 499, 259] and len(step_times(50)) == 50
    for steps in (0, 51):
        with pytest.raises(ValueError, match='1 to 50'):
            step_times(steps)
    with pytest.raises(ValueError, match='1 to 4'):
        sample_student(PerfectDenoiser(latents), latents, 5)


def test_consistency_function_leaves_clean_latents_alone(latents: Tensor) -> None:
    clean = torch.full((3,), CLEAN)
    assert torch.equal(consistent(PerfectDenoiser(latents), latents, clean), latents)


@pytest.mark.parametrize('steps', [1, 2, 4])
def test_student_repeats_itself_from_the_same_seed(latents: Tensor, steps: int) -> None:
    denoise, start = PerfectDenoiser(latents), torch.randn(SHAPE)
    found = [sample_student(denoise, start, steps, torch.Generator().manual_seed(7))
             for _ in range(2)]
    assert torch.equal(*found) and denoise.calls == 2 * steps
    torch.testing.assert_close(found[0], latents, atol=1e-3, rtol=0)


def test_distillation_has_no_loss_for_perfect_denoisers(latents: Tensor) -> None:
    perfect = PerfectDenoiser(latents)
    loss, found = distillation_loss(perfect, perfect, perfect, latents)
    assert float(loss) < 1e-4
    torch.testing.assert_close(found, latents, atol=1e-3, rtol=0)
    assert float(distillation_loss(lambda noisy, times: 0 * noisy, perfect, perfect,
                                   latents)[0]) > 1e-2


def test_guidance_moves_away_from_the_noise_without_identity() -> None:
    found = guided(lambda latents, times, dropped: torch.where(
        dropped[:, None], 1.0, 3.0) + 0 * latents, torch.zeros(2, 1), torch.zeros(2), 0.5)
    assert found.tolist() == [[4.0], [4.0]]
