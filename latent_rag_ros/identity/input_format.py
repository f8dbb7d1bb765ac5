"""What a re-ID network wants to see: size, normalisation and colour order of its input."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.weights.normalisation import NORMALISATIONS


@dataclass(frozen=True)
class InputFormat:
    """The input of a re-ID network.

    Parameters
    ----------
    height_px, width_px : int
        Size of the crops the network was trained on.
    normalisation : str
        One of `weights.normalisation.NORMALISATIONS`.
    colour_order : str
        Order of the channels, `rgb` or `bgr`.
    """

    height_px: int
    width_px: int
    normalisation: str = 'imagenet'
    colour_order: str = 'rgb'

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        return self.height_px, self.width_px

    def __str__(self) -> str:
        return f'{self.height_px}x{self.width_px} {self.normalisation} {self.colour_order}'

    def prepared(self, crops: Tensor) -> Tensor:
        """Return the network's input, shape (n, 3, height_px, width_px).

        `crops` has shape (n, 3, h, w) of any size, float, RGB in 0..1. Gradients flow through.
        """
        crops = resized(crops, self.size_px)
        mean, deviation = (torch.tensor(values, device=crops.device).view(1, 3, 1, 1)
                           for values in NORMALISATIONS[self.normalisation])
        normalised = (crops - mean) / deviation
        return normalised.flip(1) if self.colour_order == 'bgr' else normalised


def resized(crops: Tensor, size_px: tuple[int, int]) -> Tensor:
    """Return crops (n, 3, h, w) in another height and width; smoothed first where they shrink."""
    if tuple(crops.shape[2:]) == tuple(size_px):
        return crops
    shrinks = crops.shape[2] > size_px[0] or crops.shape[3] > size_px[1]
    return functional.interpolate(crops, size=tuple(size_px), mode='bilinear',
                                  align_corners=False, antialias=shrinks)
