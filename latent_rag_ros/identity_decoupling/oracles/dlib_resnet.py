"""The face-recognition network of dlib: a ResNet-34 with fewer layers and half the channels.

King, "High Quality Face Recognition with Deep Metric Learning", dlib 2017; after He et al.,
CVPR 2016. Batch normalisation is folded into the convolutions.
"""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

FEATURE_DIMENSION = 128


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut; one that halves averages its shortcut.

    As in dlib, a shortcut with fewer channels is filled with zeros, and so is a branch whose map
    is smaller than that of the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.first = nn.Conv2d(inputs, outputs, 3, 2 if halves else 1, 0 if halves else 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) to (n, outputs, h', w'), half as large if it halves."""
        y = self.second(functional.relu(self.first(x)))
        if self.halves:
            x = functional.avg_pool2d(x, 2)
            below, right = x.shape[2] - y.shape[2], x.shape[3] - y.shape[3]
            y = functional.pad(y, (0, right, 0, below))
            x = functional.pad(x, (0, 0, 0, 0, 0, y.shape[1] - x.shape[1]))
        return functional.relu(x + y)


class DlibResNet(nn.Module):
    """Faces (n, 3, 150, 150) to features (n, 128), 5.6 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, 2)
        shapes = [(32, 32, False)] * 3
        for inputs, outputs, repeats in ((32, 64, 3), (64, 128, 2), (128, 256, 2), (256, 256, 0)):
            shapes += [(inputs, outputs, True), *[(outputs, outputs, False)] * repeats]
        self.blocks = nn.Sequential(*[Residual(*shape) for shape in shapes])
        self.feature = nn.Linear(256, FEATURE_DIMENSION, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, 128) of prepared faces (n, 3, 150, 150)."""
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2)
        return self.feature(self.blocks(x).mean((2, 3)))
