"""The generator G: a W+ code, shape (n, 10, 128), becomes a person image, (n, 3, 128, 64).

Ten layers from 4 x 2 to 128 x 64 pixels, each modulated by its own row of the code as in
StyleGAN2 (Karras et al., CVPR 2020, section 2.2): the first rows set pose and layout, the last
ones colour and texture. That hierarchy is what coarse and fine refinement work on.
"""
from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.weights.tensors import load_network

LAYERS, CODE_DIMENSION = 10, 128
COARSE_LAYERS, FINE_LAYERS = slice(0, 3), slice(3, 10)
"""First ceil(0.2 L) layers of the hierarchy and the rest, as the paper splits 14 into 3 + 11."""

CHANNELS = (128, 128, 112, 80, 40, 20)
"""Channels at 4 x 2, 8 x 4, 16 x 8, 32 x 16, 64 x 32 and 128 x 64 pixels."""


class ModulatedConvolution(nn.Module):
    """A convolution whose weights are scaled per sample by a style and normalised again.

    Scaling the input and rescaling the output equals scaling the weights (StyleGAN2, eq. 1-3)
    and keeps one shared kernel for the whole batch: y = d * conv(s * x) with
    s = A w and d_o = (sum_i s_i^2 sum_k W_oik^2)^-1/2.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3) / math.sqrt(inputs * 9))
        self.style = nn.Linear(CODE_DIMENSION, inputs)
        self.shift = nn.Linear(CODE_DIMENSION, outputs)
        nn.init.normal_(self.style.weight, std=0.5 / math.sqrt(CODE_DIMENSION))
        nn.init.ones_(self.style.bias)
        nn.init.normal_(self.shift.weight, std=0.02)
        nn.init.zeros_(self.shift.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) by styles from w (n, 128) to (n, outputs, h, w)."""
        style = self.style(w)                                               # (n, inputs)
        energy = (style * style) @ (self.weight * self.weight).sum((2, 3)).t()
        y = functional.conv2d(x * style[:, :, None, None], self.weight, padding=1)
        # The gain sqrt(2) of the activation goes into scale and shift, which are small: a leaky
        # ReLU is positively homogeneous, and the large maps are walked through less often.
        scale = math.sqrt(2) * torch.rsqrt(energy + 1e-6)                   # (n, outputs)
        shift = math.sqrt(2) * self.shift(w)
        y = torch.addcmul(shift[:, :, None, None], y, scale[:, :, None, None])
        return functional.leaky_relu(y, 0.2)


class ToRGB(nn.Module):
    """A modulated 1 x 1 convolution to three colour channels, without normalisation."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(3))
        self.style = nn.Linear(CODE_DIMENSION, inputs)
        nn.init.normal_(self.style.weight, std=0.5 / math.sqrt(CODE_DIMENSION))
        nn.init.ones_(self.style.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) to colours (n, 3, h, w)."""
        return functional.conv2d(x * self.style(w)[:, :, None, None], self.weight, self.bias)


def _upsample(x: Tensor, smooth: bool = True) -> Tensor:
    if not smooth:
        return functional.interpolate(x, scale_factor=2)
    return functional.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)


class Generator(nn.Module):
    """The style-based person generator G, 1.3 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, CHANNELS[0], 4, 2))
        self.layout = nn.Linear(CODE_DIMENSION, 8 * CHANNELS[0])
        convolutions = [ModulatedConvolution(CHANNELS[0], CHANNELS[0])]
        for inputs, outputs in zip(CHANNELS[:-1], CHANNELS[1:]):
            convolutions.append(ModulatedConvolution(inputs, outputs))
            if outputs != CHANNELS[-1]:
                convolutions.append(ModulatedConvolution(outputs, outputs))
        self.convolutions = nn.ModuleList(convolutions)
        self.to_rgb = nn.ModuleList([ToRGB(channels) for channels in CHANNELS[2:]])

    def forward(self, codes: Tensor) -> Tensor:
        """Synthesise images.

        Parameters
        ----------
        codes : Tensor
            W+ codes, shape (n, 10, 128), float.

        Returns
        -------
        Tensor
            Shape (n, 3, 128, 64), RGB in 0..1.
        """
        x = self.constant + self.layout(codes[:, 0]).view(-1, CHANNELS[0], 4, 2)
        x = self.convolutions[0](x, codes[:, 0])
        layer, image = 1, None
        for level in range(1, len(CHANNELS)):
            # bilinear where maps are small, nearest where it would cost most and the next
            # convolution smooths anyway
            x = _upsample(x, smooth=level < 4)
            for _ in range(1 if level == len(CHANNELS) - 1 else 2):
                x = self.convolutions[layer](x, codes[:, layer])
                layer += 1
            if level >= 2:
                colours = self.to_rgb[level - 2](x, codes[:, layer - 1])
                image = colours if image is None else _upsample(image) + colours
        return torch.sigmoid(image)


def load_generator(path: Path, device: str = 'cpu') -> Generator:
    """Load a generator from a safetensors file, frozen and in evaluation mode.

    Raises `WeightsError` when the file holds something else.
    """
    # channels_last: the same pictures to 1e-6, a third faster on CPUs
    return load_network(Generator(), path, device).to(memory_format=torch.channels_last)
