"""ResNet with BNNeck (Luo et al., CVPRW 2019), to run checkpoints in the layout of fast-reid.

BagTricks and SBS: a bottleneck ResNet (He et al., CVPR 2016) whose last stage is not strided,
IBN-a where the file has it (Pan et al., ECCV 2018), non-local blocks of one channel (Wang et al.,
CVPR 2018), mean or generalised-mean pooling, and the batch normalisation of the neck. What a file
has is read from its names; attribute names are the names in the file.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.checkpoint import fill
from latent_rag_ros.weights.registry import WeightsError

STAGE_WIDTHS, STAGE_STRIDES, EXPANSION = (64, 128, 256, 512), (1, 2, 2, 1), 4
IGNORED = ('heads.weight', 'heads.classifier', 'heads.cls_layer', 'pixel_mean', 'pixel_std')
"""The classifier of the training people, and the normalisation, which `InputFormat` does."""


class InstanceBatchNorm(nn.Module):
    """IBN-a: the first half of the channels by instance, the rest by batch statistics."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.half = channels // 2
        self.IN = nn.InstanceNorm2d(self.half, affine=True)
        self.BN = nn.BatchNorm2d(channels - self.half)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (n, channels, h, w)."""
        return torch.cat([self.IN(x[:, :self.half].contiguous()), self.BN(x[:, self.half:])], 1)


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 (strided) and 1 x 1 convolutions with a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int, ibn: bool, shortcut: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = InstanceBatchNorm(width) if ibn else nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * EXPANSION, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * EXPANSION)
        self.downsample: nn.Module = nn.Identity()
        if shortcut:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, width * EXPANSION, 1, stride, bias=False),
                nn.BatchNorm2d(width * EXPANSION))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, 4 width, h / stride, w / stride)."""
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class NonLocal(nn.Module):
    """Every place looks at all others, in the dot-product form: x + W(theta phi^T g / N)."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.g = nn.Conv2d(channels, inner, 1)
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.W = nn.Sequential(nn.Conv2d(inner, channels, 1), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, channels, h, w) to the same shape."""
        theta, phi, g = (part(x).flatten(2) for part in (self.theta, self.phi, self.g))
        # (theta^T phi) g^T = theta^T (phi g^T): the small product first
        context = phi @ g.transpose(1, 2) / phi.shape[2]                    # (n, inner, inner)
        y = (theta.transpose(1, 2) @ context).transpose(1, 2)               # (n, inner, h w)
        return x + self.W(y.unflatten(2, x.shape[2:]))


class Backbone(nn.Module):
    """The ResNet, built as the names of the file say."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        inputs = 64
        for stage, (width, stride) in enumerate(zip(STAGE_WIDTHS, STAGE_STRIDES), 1):
            prefix, blocks = f'backbone.layer{stage}', []
            for block in range(_count(tensors, prefix)):
                blocks.append(Bottleneck(
                    inputs, width, stride if block == 0 else 1,
                    f'{prefix}.{block}.bn1.IN.weight' in tensors, block == 0))
                inputs = width * EXPANSION
            setattr(self, f'layer{stage}', nn.Sequential(*blocks))
            count = _count(tensors, f'backbone.NL_{stage}')
            if count:
                inner = tensors[f'backbone.NL_{stage}.0.g.weight'].shape[0]
                setattr(self, f'NL_{stage}',
                        nn.ModuleList([NonLocal(inputs, inner) for _ in range(count)]))

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised crops (n, 3, h, w) to (n, 2048, h / 16, w / 16)."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, 2, ceil_mode=True)
        for stage in range(1, 5):
            blocks = getattr(self, f'layer{stage}')
            attentions = getattr(self, f'NL_{stage}', ())
            for number, block in enumerate(blocks):
                x = block(x)
                following = number - (len(blocks) - len(attentions))
                if following >= 0:  # one after each of the last blocks of a stage
                    x = attentions[following](x)
        return x


class GeneralisedMeanPool(nn.Module):
    """Generalised mean of every channel with a learned power."""

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.ones(1) * 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, h, w) to (n, channels, 1, 1)."""
        return x.clamp(min=1e-6).pow(self.p).mean((2, 3), keepdim=True).pow(1 / self.p)


class Head(nn.Module):
    """Pooling and the neck: optional reduction, then batch normalisation."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        learned = 'heads.pool_layer.p' in tensors
        self.pool_layer = GeneralisedMeanPool() if learned else nn.AdaptiveAvgPool2d(1)
        channels = STAGE_WIDTHS[-1] * EXPANSION
        neck: list[nn.Module] = []
        first = tensors.get('heads.bottleneck.0.weight')
        if first is not None and first.ndim == 4:
            neck.append(nn.Conv2d(channels, first.shape[0], 1, bias=False))
            channels = first.shape[0]
        self.bottleneck = nn.Sequential(*neck, nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map the last map (n, 2048, h, w) to the feature after the neck, (n, d)."""
        return self.bottleneck(self.pool_layer(x)).flatten(1)


class BagTricks(nn.Module):
    """Backbone and head: normalised RGB crops (n, 3, h, w) to features (n, d)."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.backbone, self.heads = Backbone(tensors), Head(tensors)

    def forward(self, x: Tensor) -> Tensor:
        """Return the features after the BNNeck, not normalised."""
        return self.heads(self.backbone(x))


def _count(tensors: Mapping[str, Tensor], prefix: str) -> int:
    """Return how many numbered children `prefix` has in the file."""
    numbers = [int(match[1]) for name in tensors
               if (match := re.match(rf'{re.escape(prefix)}\.(\d+)\.', name))]
    return max(numbers, default=-1) + 1


def bagtricks_from(tensors: Mapping[str, Tensor], path: Path) -> BagTricks:
    """Return the network that `tensors` hold, frozen.

    Raises `WeightsError` when they are those of another network, such as a basic-block ResNet.
    """
    for stage in range(1, 5):
        if not _count(tensors, f'backbone.layer{stage}'):
            raise WeightsError(
                f'{path} looks like a checkpoint of fast-reid, but backbone.layer{stage} is '
                'missing; give one with a ResNet of bottleneck blocks (BagTricks, SBS, AGW), or '
                'export yours as TorchScript or ONNX')
    return fill(BagTricks(tensors), tensors, path,
                'a bottleneck ResNet with BNNeck in the layout of fast-reid')
