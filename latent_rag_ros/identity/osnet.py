"""OSNet (Zhou et al., ICCV 2019 and TPAMI 2021), to run checkpoints in the layout of torchreid.

A block looks at the person at four scales at once: streams of one to four light 3 x 3 convolutions
(1 x 1, then depthwise), weighed channel by channel by one gate that all streams share (eq. 1-3 of
the first paper). Width, instance normalisation (IBN: after the sum of a block; AIN: inside its
residual) and feature size are read from the checkpoint's shapes. Attribute names are the names in
the file.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.checkpoint import fill
from latent_rag_ros.weights.registry import WeightsError

STAGES, BLOCKS, SCALES = ('conv2', 'conv3', 'conv4'), 2, 4
GATE_REDUCTION, BLOCK_REDUCTION = 16, 4
IGNORED = ('classifier.',)
"""The classifier of the training people; a feature does not need it."""


@dataclass(frozen=True)
class Layout:
    """Which OSNet a checkpoint holds.

    Parameters
    ----------
    channels : tuple of int
        After the stem and the three stages.
    feature_dimension : int
        Length of the feature.
    is_ain : bool
        The layout of `osnet_ain_*`: streams in lists, pooling beside the stages, instance
        normalisation inside the residual.
    normalised_stem : bool
        Instance instead of batch normalisation after the first convolution.
    normalised_blocks : frozenset of str
        Blocks with instance normalisation, such as `conv2.0`.
    """

    channels: tuple[int, ...]
    feature_dimension: int
    is_ain: bool
    normalised_stem: bool
    normalised_blocks: frozenset[str]

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], path: Path) -> Layout:
        """Read the layout from the tensors of a checkpoint.

        Raises `WeightsError` when a key that tells the layout is missing.
        """
        telling = ['conv1.conv.weight', *(f'{stage}.0.conv3.conv.weight' for stage in STAGES),
                   'fc.0.weight']
        for name in telling:
            if name not in tensors:
                raise WeightsError(
                    f'{path} looks like an OSNet of torchreid, but {name} is missing; give the '
                    'whole state_dict of an osnet_*, osnet_ibn_* or osnet_ain_*')
        sizes = [tensors[name].shape[0] for name in telling]
        blocks = [f'{stage}.{block}' for stage in STAGES for block in range(BLOCKS)]
        return cls(tuple(sizes[:4]), sizes[4], any(name.startswith('pool2.') for name in tensors),
                   'conv1.bn.running_mean' not in tensors,
                   frozenset(block for block in blocks if f'{block}.IN.weight' in tensors))


class Convolution(nn.Module):
    """A convolution with normalisation, and a ReLU unless `linear`."""

    def __init__(self, inputs: int, outputs: int, size: int = 1, stride: int = 1,
                 norm: nn.Module | None = None, linear: bool = False,
                 normalised: bool = True) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        if normalised:
            self.bn = norm or nn.BatchNorm2d(outputs)
        self.linear, self.normalised = linear, normalised

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        x = self.bn(self.conv(x)) if self.normalised else self.conv(x)
        return x if self.linear else functional.relu(x)


class LightConvolution(nn.Module):
    """A 1 x 1 convolution, then a 3 x 3 one on every channel alone."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False, groups=channels)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        return functional.relu(self.bn(self.conv2(self.conv1(x))))


class Gate(nn.Module):
    """Weighs channels by a small network of their means (unified aggregation gate)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // GATE_REDUCTION, 1)
        self.fc2 = nn.Conv2d(channels // GATE_REDUCTION, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        means = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.fc2(functional.relu(self.fc1(means))))


class Stream(nn.Module):
    """`count` light convolutions one after another, named as in osnet_ain."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*[LightConvolution(channels) for _ in range(count)])

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        return self.layers(x)


class Block(nn.Module):
    """An omni-scale residual block."""

    def __init__(self, inputs: int, outputs: int, is_ain: bool, instance_norm: bool) -> None:
        super().__init__()
        middle = outputs // BLOCK_REDUCTION
        self.conv1 = Convolution(inputs, middle)
        if is_ain:
            self.conv2 = nn.ModuleList([Stream(middle, count + 1) for count in range(SCALES)])
        else:
            self.conv2a = LightConvolution(middle)
            for count, letter in enumerate('bcd', 2):
                setattr(self, f'conv2{letter}',
                        nn.Sequential(*[LightConvolution(middle) for _ in range(count)]))
        self.gate = Gate(middle)
        self.conv3 = Convolution(middle, outputs, linear=True,
                                 normalised=not (is_ain and instance_norm))
        self.downsample = (Convolution(inputs, outputs, linear=True) if inputs != outputs
                           else nn.Identity())
        self.IN = nn.InstanceNorm2d(outputs, affine=True) if instance_norm else nn.Identity()
        self.is_ain = is_ain

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h, w)."""
        streams = self.conv2 if self.is_ain else (self.conv2a, self.conv2b, self.conv2c,
                                                  self.conv2d)
        squeezed = self.conv1(x)
        residual = self.conv3(sum(self.gate(stream(squeezed)) for stream in streams))
        if self.is_ain:
            return functional.relu(self.downsample(x) + self.IN(residual))
        return functional.relu(self.IN(self.downsample(x) + residual))


class OsNet(nn.Module):
    """OSNet without its classifier: crops (n, 3, h, w), normalised, to features (n, d)."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        channels = layout.channels
        stem_norm = (nn.InstanceNorm2d(channels[0], affine=True) if layout.normalised_stem
                     else None)
        self.conv1 = Convolution(3, channels[0], 7, 2, stem_norm)
        for stage, inputs, outputs in zip(STAGES, channels[:-1], channels[1:]):
            blocks: list[nn.Module] = [
                Block(inputs if block == 0 else outputs, outputs, layout.is_ain,
                      f'{stage}.{block}' in layout.normalised_blocks) for block in range(BLOCKS)]
            shrink = nn.Sequential(Convolution(outputs, outputs), nn.AvgPool2d(2))
            if stage != STAGES[-1]:
                if layout.is_ain:
                    setattr(self, stage.replace('conv', 'pool'), shrink)
                else:
                    blocks.append(shrink)
            setattr(self, stage, nn.Sequential(*blocks))
        self.conv5 = Convolution(channels[3], channels[3])
        self.fc = nn.Sequential(nn.Linear(channels[3], layout.feature_dimension),
                                nn.BatchNorm1d(layout.feature_dimension), nn.ReLU())
        self.is_ain = layout.is_ain

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, d), not normalised, for normalised RGB crops (n, 3, h, w)."""
        x = functional.max_pool2d(self.conv1(x), 3, 2, 1)
        x = self.conv2(x)
        x = self.conv3(self.pool2(x) if self.is_ain else x)
        x = self.conv4(self.pool3(x) if self.is_ain else x)
        return self.fc(self.conv5(x).mean((2, 3)))


def osnet_from(tensors: Mapping[str, Tensor], path: Path) -> OsNet:
    """Return the OSNet that `tensors` hold, frozen; raises `WeightsError` when they do not fit."""
    layout = Layout.of(tensors, path)
    return fill(OsNet(layout), tensors, path, 'OSNet in the layout of torchreid')
