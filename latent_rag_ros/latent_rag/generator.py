"""The generator G: a W+ code, shape (n, 10, 64), becomes a person image, (n, 3, 128, 64).

Ten layers from 4 x 2 to 64 x 32 pixels, the last one with four colours a pixel, which makes
128 x 64. Each layer is modulated by its own row of the code as in StyleGAN2 (Karras et al.,
CVPR 2020, section 2.2); up to 64 x 32 pixels the row also adds a small map of its own, so that a
code can say where something is and not only what. The first rows set pose and layout, the last
ones colour and texture. That hierarchy is what coarse and fine refinement work on.
"""
from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.weights.tensors import load_network

LAYERS, CODE_DIMENSION = 10, 64
COARSE_LAYERS, FINE_LAYERS = slice(0, 3), slice(3, 10)
"""First ceil(0.2 L) layers of the hierarchy and the rest, as the paper splits 14 into 3 + 11."""

CHANNELS = (144, 144, 128, 80, 48)
"""Channels at 4 x 2, 8 x 4, 16 x 8, 32 x 16 and 64 x 32 pixels."""

LAST_CHANNELS = 40
MAP_CHANNELS = (0, 32, 32, 16, 16, 4, 4, 1, 1, 0)
"""Channels of the map that each layer's row adds to the layer's input."""


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
        self.register_buffer('kept_energy', None, persistent=False)

    def keep_energy(self) -> None:
        """Compute the sums over the weights once, for weights that will not change any more."""
        self.kept_energy = self._energy().detach()

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) by styles from w (n, 64) to (n, outputs, h, w)."""
        style = self.style(w)                                               # (n, inputs)
        of_weights = self._energy() if self.kept_energy is None else self.kept_energy
        energy = (style * style) @ of_weights
        y = functional.conv2d(x * style[:, :, None, None], self.weight, padding=1)
        # The gain sqrt(2) of the activation goes into scale and shift, which are small: a leaky
        # ReLU is positively homogeneous, and the large maps are walked through less often.
        scale = math.sqrt(2) * torch.rsqrt(energy + 1e-6)                   # (n, outputs)
        shift = math.sqrt(2) * self.shift(w)
        y = torch.addcmul(shift[:, :, None, None], y, scale[:, :, None, None])
        return functional.leaky_relu(y, 0.2)

    def _energy(self) -> Tensor:
        """Return sum_k W_oik^2, shape (inputs, outputs)."""
        return (self.weight * self.weight).sum((2, 3)).t()


def _pixels(x: Tensor) -> Tensor:
    """Return x (n, channels, h, w) as (n, h * w, channels); a view where channels come last."""
    return x.permute(0, 2, 3, 1).flatten(1, 2)


def _image(pixels: Tensor, like: Tensor) -> Tensor:
    """Return pixels (n, h * w, channels) as (n, channels, h, w), as large as `like`."""
    return pixels.unflatten(1, like.shape[2:]).permute(0, 3, 1, 2)


class CodeMap(nn.Module):
    """A row of the code as a map: linear to (channels, h, w), mixed into the layer's channels."""

    def __init__(self, channels: int, outputs: int, height_px: int, width_px: int) -> None:
        super().__init__()
        self.shape = channels, height_px, width_px
        self.linear = nn.Linear(CODE_DIMENSION, channels * height_px * width_px)
        self.mix = nn.Conv2d(channels, outputs, 1, bias=False)
        nn.init.normal_(self.linear.weight, std=1 / math.sqrt(CODE_DIMENSION))
        nn.init.zeros_(self.linear.bias)
        nn.init.normal_(self.mix.weight, std=0.5 / math.sqrt(channels))

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Add the map of w (n, 64) to x (n, outputs, h, w)."""
        rows = self.linear(w).view(-1, self.shape[0], self.shape[1] * self.shape[2])
        if torch.onnx.is_in_onnx_export():  # engines want a convolution, PyTorch a product
            return x + functional.conv2d(rows.view(-1, *self.shape), self.mix.weight)
        mix = self.mix.weight.flatten(1).t().to(rows.dtype)
        # The 1 x 1 convolution as a product that is added on the way: x is walked through once.
        mixed = torch.baddbmm(_pixels(x).to(rows.dtype), rows.transpose(1, 2),
                              mix.expand(len(x), -1, -1))
        return _image(mixed, x)


class ToColours(nn.Module):
    """A modulated 1 x 1 convolution to colours, without normalisation."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 1, 1) / math.sqrt(inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.style = nn.Linear(CODE_DIMENSION, inputs)
        nn.init.normal_(self.style.weight, std=0.5 / math.sqrt(CODE_DIMENSION))
        nn.init.ones_(self.style.bias)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) to colours (n, outputs, h, w)."""
        style = self.style(w)
        if torch.onnx.is_in_onnx_export():
            return functional.conv2d(x * style[:, :, None, None], self.weight, self.bias)
        styled = style[:, :, None] * self.weight.flatten(1).t()             # (n, inputs, outputs)
        return _image(torch.baddbmm(self.bias, _pixels(x), styled.to(x.dtype)), x)


def _upsample(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode='bilinear', align_corners=False)


def _layer_shapes() -> list[tuple[int, int, int, int]]:
    """Return (inputs, outputs, height, width) of the ten layers."""
    shapes = [(CHANNELS[0], CHANNELS[0], 4, 2)]
    for level, (inputs, outputs) in enumerate(zip(CHANNELS[:-1], CHANNELS[1:]), 1):
        size = 4 << level, 2 << level
        shapes += [(inputs, outputs, *size), (outputs, outputs, *size)]
    return [*shapes, (CHANNELS[-1], LAST_CHANNELS, *shapes[-1][2:])]


class Generator(nn.Module):
    """The style-based person generator G, 2.27 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.constant = nn.Parameter(torch.randn(1, CHANNELS[0], 4, 2))
        self.layout = nn.Linear(CODE_DIMENSION, 8 * CHANNELS[0])
        shapes = _layer_shapes()
        self.convolutions = nn.ModuleList(
            [ModulatedConvolution(inputs, outputs) for inputs, outputs, *_ in shapes])
        self.maps = nn.ModuleDict(
            {str(layer): CodeMap(channels, shapes[layer][0], *shapes[layer][2:])
             for layer, channels in enumerate(MAP_CHANNELS) if channels})
        self.colours = nn.ModuleDict(
            {'4': ToColours(CHANNELS[2], 3), '6': ToColours(CHANNELS[3], 3),
             '9': ToColours(LAST_CHANNELS, 12)})

    def forward(self, codes: Tensor) -> Tensor:
        """Synthesise images.

        Parameters
        ----------
        codes : Tensor
            W+ codes, shape (n, 10, 64), float.

        Returns
        -------
        Tensor
            Shape (n, 3, 128, 64), RGB in 0..1.
        """
        x = self.constant + self.layout(codes[:, 0]).view(-1, CHANNELS[0], 4, 2)
        x = self._layer(x.contiguous(memory_format=torch.channels_last), codes, 0)
        for layer in range(1, 9, 2):
            x = self._layer(self._layer(_upsample(x), codes, layer), codes, layer + 1)
            if layer == 3:                                                  # 16 x 8
                image = self.colours['4'](x, codes[:, 4])
            elif layer == 5:                                                # 32 x 16
                image = _upsample(image) + self.colours['6'](x, codes[:, 6])
        colours = self.colours['9'](self._layer(x, codes, 9), codes[:, 9])  # (n, 12, 64, 32)
        return torch.sigmoid(_upsample(_upsample(image)) + functional.pixel_shuffle(colours, 2))

    def _layer(self, x: Tensor, codes: Tensor, layer: int) -> Tensor:
        """Apply one layer by its row of the codes."""
        w = codes[:, layer]
        if MAP_CHANNELS[layer]:
            x = self.maps[str(layer)](x, w)
        return self.convolutions[layer](x, w)


def load_generator(path: Path, device: str = 'cpu') -> Generator:
    """Load a generator from a safetensors file, frozen and in evaluation mode.

    Raises `WeightsError` when the file holds something else.
    """
    generator = load_network(Generator(), path, device)
    for convolution in generator.convolutions:
        convolution.keep_energy()
    # channels_last: the same pictures to 1e-6, a third faster on CPUs
    return generator.to(memory_format=torch.channels_last)
