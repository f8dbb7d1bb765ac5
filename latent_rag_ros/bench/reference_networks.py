"""Networks of the size that Latent-RAG was published with, at random weights, to compare with.

A style-based generator as of StyleGAN2 at 256 x 256 (Karras et al., CVPR 2020; W+ codes 14 x 512,
24.8 M parameters) and a ResNet-50 (He et al., CVPR 2016) with a projection to 512 (24.6 M). How
long they take does not depend on what their weights are. Every choice is the cheaper one:
bilinear instead of filtered upsampling, no noise inputs, a strided last stage.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

CODE_LAYERS, CODE_DIMENSION, COARSE_LAYERS = 14, 512, 3
IMAGE_PX, CROP_HEIGHT_PX, CROP_WIDTH_PX = 256, 256, 128
RESOLUTIONS = (4, 8, 16, 32, 64, 128, 256)
CHANNEL_BUDGET, CHANNELS_MAX = 16384, 512
MAPPING_LAYERS = 8
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))
"""Width, blocks and stride of the four stages of ResNet-50."""


class StyledConvolution(nn.Module):
    """A modulated convolution; `demodulate` is off where it makes colours."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3,
                 demodulate: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(
            torch.randn(outputs, inputs, kernel, kernel) / math.sqrt(inputs * kernel * kernel))
        self.style = nn.Linear(CODE_DIMENSION, inputs)
        self.bias = nn.Parameter(torch.zeros(1, outputs, 1, 1))
        self.demodulate = demodulate

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) by the code row w (n, 512) to (n, outputs, h, w)."""
        style = self.style(w) + 1
        y = functional.conv2d(x * style[:, :, None, None], self.weight,
                              padding=self.weight.shape[-1] // 2)
        if not self.demodulate:
            return y + self.bias
        energy = (style * style) @ (self.weight * self.weight).sum((2, 3)).t()
        y = y * torch.rsqrt(energy + 1e-6)[:, :, None, None]
        return functional.leaky_relu(y + self.bias, 0.2) * math.sqrt(2)


class ReferenceGenerator(nn.Module):
    """The generator; its mapping network counts among the parameters and is not run for W+."""

    def __init__(self) -> None:
        super().__init__()
        channels = {size: min(CHANNELS_MAX, CHANNEL_BUDGET // size) for size in RESOLUTIONS}
        self.constant = nn.Parameter(torch.randn(1, channels[4], 4, 4))
        layers = [StyledConvolution(channels[4], channels[4])]
        for before, size in zip(RESOLUTIONS, RESOLUTIONS[1:]):
            layers += [StyledConvolution(channels[before], channels[size]),
                       StyledConvolution(channels[size], channels[size])]
        self.layers = nn.ModuleList(layers)
        self.colours = nn.ModuleList(
            [StyledConvolution(channels[size], 3, 1, demodulate=False) for size in RESOLUTIONS])
        self.mapping = nn.Sequential(
            *[nn.Linear(CODE_DIMENSION, CODE_DIMENSION) for _ in range(MAPPING_LAYERS)])

    def forward(self, codes: Tensor) -> Tensor:
        """Map codes (n, 14, 512) to images (n, 3, 256, 256)."""
        x = self.layers[0](self.constant.expand(len(codes), -1, -1, -1), codes[:, 0])
        image = self.colours[0](x, codes[:, 1])
        for level, colours in enumerate(self.colours[1:]):
            first = 1 + 2 * level
            x = self.layers[first](_doubled(x), codes[:, first])
            x = self.layers[first + 1](x, codes[:, first + 1])
            image = _doubled(image) + colours(x, codes[:, min(CODE_LAYERS - 1, first + 2)])
        return image


class ReferenceEmbedder(nn.Module):
    """The ResNet-50 with a projection and batch normalisation, as re-ID networks have it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64),
                                  nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        blocks, inputs = [], 64
        for width, count, stride in STAGES:
            blocks += [Bottleneck(inputs if number == 0 else 4 * width, width,
                                  stride if number == 0 else 1) for number in range(count)]
            inputs = 4 * width
        self.blocks = nn.Sequential(*blocks)
        self.neck = nn.Sequential(nn.Linear(inputs, CODE_DIMENSION),
                                  nn.BatchNorm1d(CODE_DIMENSION))

    def forward(self, crops: Tensor) -> Tensor:
        """Map crops (n, 3, 256, 128) to features (n, 512) of unit length."""
        maps = self.blocks(self.stem(crops))
        return functional.normalize(self.neck(maps.mean((2, 3))))


class Bottleneck(nn.Module):
    """Three convolutions and a shortcut, which is a convolution where the shape changes."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_normalised(inputs, width, 1), nn.ReLU(), *_normalised(width, width, 3, stride),
            nn.ReLU(), *_normalised(width, 4 * width, 1))
        changes = inputs != 4 * width or stride > 1
        self.shortcut = (nn.Sequential(*_normalised(inputs, 4 * width, 1, stride)) if changes
                         else nn.Identity())

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, 4 width, h / stride, w / stride)."""
        return functional.relu(self.body(x) + self.shortcut(x))


def _normalised(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs)]


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)


def parameter_count(network: nn.Module) -> int:
    """Return how many parameters a network has."""
    return sum(parameter.numel() for parameter in network.parameters())
