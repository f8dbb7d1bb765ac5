"""Two small networks that only measure faces: 68 landmarks, and seven expressions.

Both are those of the npm package `@vladmandic/face-api` 1.7.15 (MIT): separable convolutions in
four dense blocks (Mühler, face-api.js, 2018). No part of the method has seen them.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity_decoupling.face_mesh import padded
from latent_rag_ros.weights.registry import weights_file
from latent_rag_ros.weights.tensors import load_network

SIDE_PX = 112
MEAN_RGB = (122.782, 117.001, 104.298)
WIDTHS = (32, 64, 128, 256)
LANDMARKS = 68
EXPRESSIONS = ('neutral', 'happy', 'sad', 'angry', 'fearful', 'disgusted', 'surprised')
OUTPUTS = {'landmarks': 2 * LANDMARKS, 'expressions': len(EXPRESSIONS)}
FILES = {'landmarks': 'face_landmarks_68.safetensors',
         'expressions': 'face_expressions.safetensors'}
"""What `scripts/convert_face_networks.py` writes."""


class Separable(nn.Module):
    """A depthwise 3 x 3 convolution and a pointwise one, padded as TensorFlow does."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, inputs, h, w), h and w even, to (n, outputs, h / stride, w / stride)."""
        return self.pointwise(self.depthwise(padded(x, self.depthwise.stride[0])))


class FirstConvolution(nn.Module):
    """A plain 3 x 3 convolution that halves the picture, padded as TensorFlow does."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.full = nn.Conv2d(3, outputs, 3, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, 3, h, w), h and w even, to (n, outputs, h / 2, w / 2)."""
        return self.full(padded(x, 2))


class DenseBlock(nn.Module):
    """Four convolutions, each of which sees the sum of all before it; the first one halves."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        first = FirstConvolution(outputs) if inputs == 3 else Separable(inputs, outputs, 2)
        self.convolutions = nn.ModuleList(
            [first, *[Separable(outputs, outputs) for _ in range(3)]])

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) to (n, outputs, h / 2, w / 2)."""
        total = functional.relu(self.convolutions[0](x))
        for convolution in self.convolutions[1:]:
            total = total + convolution(functional.relu(total))
        return functional.relu(total)


class FaceAttributeNetwork(nn.Module):
    """Faces (n, 3, 112, 112), prepared, to `outputs` numbers each."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[DenseBlock(inputs, width) for inputs, width in
                                      zip((3, *WIDTHS[:-1]), WIDTHS)])
        self.last = nn.Linear(WIDTHS[-1], outputs)

    def forward(self, faces: Tensor) -> Tensor:
        """Return the numbers (n, outputs) of RGB faces (n, 3, 112, 112) in 0..1."""
        mean = torch.tensor(MEAN_RGB, device=faces.device, dtype=faces.dtype).view(1, 3, 1, 1)
        return self.last(self.blocks(faces - mean / 255).mean((2, 3)))


def load_attribute_network(kind: str, directory: Path) -> FaceAttributeNetwork:
    """Load `landmarks` or `expressions`; raises `WeightsError` when its file is missing."""
    path = weights_file(FILES[kind], directory)
    return load_network(FaceAttributeNetwork(OUTPUTS[kind]), path)
