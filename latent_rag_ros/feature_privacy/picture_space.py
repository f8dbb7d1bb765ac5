"""The attackers' own pictures as a few hundred numbers each, so that one core learns them fast.

A feature says little about what is behind a person. A fit to whole pictures drowns in that, so the
background counts as missing: it is filled in with what the components of the person imply (EM for
principal components, Roweis, NeurIPS 1997). Components are of pictures at half size; a re-ID
network recognises as many of those as of the originals.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.evaluation.attacks.interface import Images

COMPONENTS = 384
FILLING_COMPONENTS, FILLING_ROUNDS = 48, 4
"""Few components fill the background in, so that they know no background by heart."""

REDUCTION = 2


@dataclass(frozen=True)
class PictureSpace:
    """Coordinates of person pictures.

    Parameters
    ----------
    mean : Tensor
        Shape (3, 64, 32), RGB in 0..1.
    components : Tensor
        Shape (6144, k), columns of unit length, the strongest first.
    """

    mean: Tensor
    components: Tensor

    def pictures(self, coordinates: Tensor) -> Tensor:
        """Return pictures (n, 3, 128, 64), RGB in 0..1, of coordinates (n, k)."""
        small = (coordinates @ self.components.T).view(-1, *self.mean.shape) + self.mean
        return functional.interpolate(small, scale_factor=REDUCTION, mode='bicubic').clamp(0, 1)

    def to(self, device: torch.device) -> PictureSpace:
        """Return the space on a device."""
        return PictureSpace(self.mean.to(device), self.components.to(device))


@dataclass(frozen=True)
class OwnPictures:
    """Pictures that an attacker took of people whom it knows.

    Parameters
    ----------
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    masks : NDArray
        Shape (n, 128, 64), bool, True on the person.
    """

    images: Images
    masks: NDArray[np.bool_]

    @property
    def space(self) -> PictureSpace:
        """The coordinates of these pictures."""
        return self._numbers[0]

    @property
    def coordinates(self) -> Tensor:
        """The pictures in their own space, background filled in, shape (n, k)."""
        return self._numbers[1]

    def mean_person(self) -> NDArray[np.uint8]:
        """Return the best guess of somebody who has no feature, shape (128, 64, 3), uint8, RGB.

        The mean of all pictures is none: in it every part of a person is mixed with background.
        """
        picture = self.space.pictures(torch.zeros(1, self.space.components.shape[1]))[0]
        return (picture * 255).round().byte().permute(1, 2, 0).numpy()

    @cached_property
    def _numbers(self) -> tuple[PictureSpace, Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            filled, mean = self._filled()
            centred = (filled - mean).flatten(1)
            components = _components(centred, COMPONENTS)
            return PictureSpace(mean, components), centred @ components

    def _filled(self) -> tuple[Tensor, Tensor]:
        """Return small pictures without background (n, 3, 64, 32) and their mean (3, 64, 32)."""
        pictures = functional.avg_pool2d(
            torch.from_numpy(self.images).permute(0, 3, 1, 2).float() / 255, REDUCTION)
        person = (functional.avg_pool2d(torch.from_numpy(self.masks)[:, None].float(),
                                        REDUCTION) > 0.5).float()
        typical = ((pictures * person).sum(0) + pictures.mean(0)) / (person.sum(0) + 1)
        filled = torch.lerp(typical.expand_as(pictures), pictures, person)
        for _ in range(FILLING_ROUNDS):
            mean = filled.mean(0)
            centred = (filled - mean).flatten(1)
            components = _components(centred, FILLING_COMPONENTS)
            implied = (centred @ components @ components.T).view_as(filled) + mean
            filled = torch.lerp(implied, pictures, person)
        return filled, filled.mean(0)


def _components(centred: Tensor, count: int) -> Tensor:
    """Return the strongest principal directions of rows (n, d), shape (d, at most count)."""
    count = min(count, *centred.shape)
    return torch.svd_lowrank(centred, count, niter=2)[2]
