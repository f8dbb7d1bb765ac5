"""The discriminator of the generator's training: are these patches of a rendered person?"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm


class Discriminator(nn.Module):
    """A patch discriminator (Isola et al., CVPR 2017) with spectral normalisation."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        self.layers = nn.ModuleList(
            [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2, 1))
             for inputs, outputs in zip(widths[:-1], widths[1:])])
        self.judge = spectral_norm(nn.Conv2d(widths[-1], 1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return one logit per patch, shape (n, 1, 8, 4), for (n, 3, 128, 64), RGB in 0..1."""
        return self.maps(images)[-1]

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return what every layer sees, and the logits last."""
        found = [images * 2 - 1]
        for layer in self.layers:
            found.append(functional.leaky_relu(layer(found[-1]), 0.2))
        return [*found[1:], self.judge(found[-1])]


def discriminator_loss(real: Tensor, synthetic: Tensor) -> Tensor:
    """Hinge loss of logits of any shape (Lim and Ye, 2017): scalar."""
    return functional.relu(1 - real).mean() + functional.relu(1 + synthetic).mean()


def matching_loss(real: list[Tensor], synthetic: list[Tensor]) -> Tensor:
    """Mean L1 between what the layers see in a wanted and in a found picture, without the logits.

    Wang et al., "High-Resolution Image Synthesis ... with Conditional GANs", CVPR 2018,
    equation 4.
    """
    return torch.stack([(one.detach() - other).abs().mean()
                        for one, other in zip(real[:-1], synthetic[:-1])]).mean()


def adversarial_loss(synthetic: Tensor) -> Tensor:
    """What the generator pays for being recognised: minus the mean logit, scalar."""
    return -torch.mean(synthetic)
