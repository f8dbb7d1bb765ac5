"""A MobileNet that was trained to tell faces, ages and genders (HSE "faceres").

Howard et al., "MobileNets", 2017, width 1, without its classifier: the 1024 pooled channels are
the face feature. Batch normalisation is folded into the convolutions.
"""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
HALVING = (1, 3, 5, 11)
"""Blocks whose depthwise convolution halves the map."""

FEATURE_DIMENSION = 1024


class SameConvolution(nn.Conv2d):
    """A 3 x 3 convolution padded as TensorFlow does: with stride 2 only right and below."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, inputs, h, w), h and w even, to (n, outputs, h / stride, w / stride)."""
        before = 1 if self.stride[0] == 1 else 0
        return super().forward(functional.pad(x, (before, 1, before, 1)))


class FaceMobileNet(nn.Module):
    """Faces (n, 3, 224, 224) to features (n, 1024), 3.2 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConvolution(3, 32, 2)
        inputs = (32, *CHANNELS[:-1])
        self.depthwise = nn.ModuleList([
            SameConvolution(width, width, 2 if block in HALVING else 1, groups=width)
            for block, width in enumerate(inputs)])
        self.pointwise = nn.ModuleList([
            nn.Conv2d(width, outputs, 1) for width, outputs in zip(inputs, CHANNELS)])

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, 1024) of prepared faces (n, 3, 224, 224)."""
        x = functional.relu6(self.stem(x))
        for depthwise, pointwise in zip(self.depthwise, self.pointwise):
            x = functional.relu6(pointwise(functional.relu6(depthwise(x))))
        return x.mean((2, 3))
