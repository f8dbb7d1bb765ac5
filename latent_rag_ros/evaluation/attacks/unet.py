"""A small U-Net between pictures of one size (Ronneberger et al., MICCAI 2015).

It works on 4 x 4 pixel blocks: 128 x 64 pictures become 32 x 16 maps with 16 times the channels
and back (pixel shuffle, Shi et al., CVPR 2016), which makes it an attacker that one core can train
in minutes. Numbers such as a feature or a time scale and shift the maps (FiLM, AAAI 2018).
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCK_PX = 4
WIDTHS = (48, 72, 96, 128)
"""Channels at 32 x 16, 16 x 8, 8 x 4 and 4 x 2."""


class Stage(nn.Module):
    """A 3 x 3 convolution, batch normalisation, scale and shift by a condition, SiLU."""

    def __init__(self, inputs: int, outputs: int, stride: int, numbers: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.normalisation = nn.BatchNorm2d(outputs)
        self.film = nn.Linear(numbers, 2 * outputs) if numbers else None

    def forward(self, x: Tensor, condition: Tensor | None) -> Tensor:
        """Map x (n, inputs, h, w), condition (n, numbers), to (n, outputs, h', w')."""
        y = self.normalisation(self.convolution(x))
        if self.film is not None:
            scale, shift = self.film(condition)[:, :, None, None].chunk(2, 1)
            y = torch.addcmul(y + shift, y, scale)
        return functional.silu(y)


class UNet(nn.Module):
    """The U-Net; its output is 0 before training.

    Parameters
    ----------
    inputs, outputs : int
        Channels of the pictures that go in and come out.
    numbers : int
        Length of the condition; 0 has none.
    """

    def __init__(self, inputs: int, outputs: int = 3, numbers: int = 0) -> None:
        super().__init__()
        pixels = BLOCK_PX * BLOCK_PX
        self.stem = Stage(pixels * inputs, WIDTHS[0], 1, numbers)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for wide, narrow in zip(WIDTHS[:-1], WIDTHS[1:]):
            self.down.append(nn.ModuleList([Stage(wide, narrow, 2, numbers),
                                            Stage(narrow, narrow, 1, numbers)]))
            self.up.insert(0, Stage(narrow + wide, wide, 1, numbers))
        self.head = nn.Conv2d(WIDTHS[0], pixels * outputs, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Map pictures to pictures.

        Parameters
        ----------
        x : Tensor
            Shape (n, inputs, h, w), float; h and w are multiples of 32.
        condition : Tensor, optional
            Shape (n, numbers), float.

        Returns
        -------
        Tensor
            Shape (n, outputs, h, w), float.
        """
        x = self.stem(functional.pixel_unshuffle(x, BLOCK_PX), condition)
        shortcuts = []
        for first, second in self.down:
            shortcuts.append(x)
            x = second(first(x, condition), condition)
        for stage in self.up:
            x = torch.cat([functional.interpolate(x, scale_factor=2), shortcuts.pop()], 1)
            x = stage(x, condition)
        return functional.pixel_shuffle(self.head(x), BLOCK_PX)
