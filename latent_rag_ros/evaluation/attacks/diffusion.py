"""A small conditional diffusion model as attacker (Ho et al., NeurIPS 2020), sampled by DDIM.

The network sees the protected picture and a noisy original, x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e,
and predicts x_0; a_t follows the cosine schedule (Nichol and Dhariwal, ICML 2021). A few
deterministic steps (DDIM, Song et al., ICLR 2021) lead from pure noise to a picture; the average
of several draws is returned, which is nearer to the original than any one of them.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from latent_rag_ros.evaluation.attacks.recovery import Recoverer
from latent_rag_ros.evaluation.attacks.unet import UNet

STEPS = 4
DRAWS = 2
FREQUENCIES = 8
CONTRAST = 3.0
"""Pictures in 0..1 less 0.5 times this have about unit variance."""

LAST_TIME = 0.98
"""Time of the first step; at 1 a_t is 0 and nothing of the noise can be told."""


def share_of_signal(times: Tensor) -> Tensor:
    """Return a_t of the cosine schedule for times in 0..1, same shape."""
    return torch.cos(times * math.pi / 2).square()


def time_numbers(times: Tensor) -> Tensor:
    """Return sines and cosines of times (n,): shape (n, 2 * FREQUENCIES)."""
    angles = times[:, None] * math.pi * torch.arange(1, FREQUENCIES + 1, device=times.device)
    return torch.cat([angles.sin(), angles.cos()], 1)


class DiffusionRecoverer(Recoverer):
    """Draws originals by denoising under the condition of the protected picture.

    Parameters
    ----------
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, device: str = 'cpu') -> None:
        super().__init__('diffusion', lambda _: UNet(6, 3, 2 * FREQUENCIES), device=device)

    def batch_loss(self, network: nn.Module, pictures: Tensor, numbers: Tensor | None,
                   originals: Tensor) -> Tensor:
        """Return the squared error of x_0 at random times, late ones more often.

        Late means noisy: there the protected picture is all the network has to go by.
        """
        times = 1 - torch.rand(len(pictures)).square().to(pictures.device)
        signal = share_of_signal(times)[:, None, None, None]
        noise = torch.randn(originals.shape).to(pictures.device)
        noisy = signal.sqrt() * (originals - 0.5) * CONTRAST + (1 - signal).sqrt() * noise
        guess = network(torch.cat([pictures, noisy], 1), time_numbers(times))
        return (guess - originals).square().mean()

    def guess(self, network: nn.Module, pictures: Tensor, numbers: Tensor | None) -> Tensor:
        """Return the average of several DDIM draws, shape (n, 3, 128, 64)."""
        draws = [self._draw(network, pictures, seed) for seed in range(DRAWS)]
        return torch.stack(draws).mean(0)

    def _draw(self, network: nn.Module, pictures: Tensor, seed: int) -> Tensor:
        random = torch.Generator().manual_seed(seed)
        shape = (len(pictures), 3, *pictures.shape[2:])
        noisy = torch.randn(shape, generator=random).to(pictures.device)
        times = torch.linspace(LAST_TIME, 0, STEPS + 1).tolist()
        for now, then in zip(times[:-1], times[1:]):
            time = torch.full((len(pictures),), now, device=pictures.device)
            guess = network(torch.cat([pictures, noisy], 1), time_numbers(time))
            signal, later = share_of_signal(torch.tensor([now, then])).tolist()
            centred = (guess.clamp(0, 1) - 0.5) * CONTRAST
            noise = (noisy - math.sqrt(signal) * centred) / math.sqrt(1 - signal)
            noisy = math.sqrt(later) * centred + math.sqrt(1 - later) * noise
        return guess
