"""MobileFace, a small face-recognition network of depthwise convolutions (becauseofAI, 2018)."""
from __future__ import annotations

from torch import Tensor, nn

STAGES = ((32, 32), (32, 32), (32, 64), (64, 128))
FEATURE_DIMENSION = 256


def _depthwise(channels: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False),
                         nn.PReLU(channels))


class Stage(nn.Module):
    """A 1 x 1 convolution, a halving depthwise one, and a residual of two more."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.expand = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.halve = _depthwise(outputs, 2)
        self.residual = nn.Sequential(_depthwise(outputs, 1), _depthwise(outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map x (n, inputs, h, w) to (n, outputs, h / 2, w / 2)."""
        x = self.halve(self.expand(x))
        return x + self.residual(x)


class MobileFace(nn.Module):
    """Faces (n, 3, 112, 112) to features (n, 256), 0.5 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.PReLU(32))
        self.stages = nn.Sequential(*[Stage(*widths) for widths in STAGES])
        self.feature = nn.Linear(2048, FEATURE_DIMENSION)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (n, 256) of prepared faces (n, 3, 112, 112)."""
        maps = self.stages(self.stem(x))                                # (n, 128, 4, 4)
        return self.feature(maps.permute(0, 2, 3, 1).flatten(1))
