"""The running average of a network's weights, which is what ships."""
from __future__ import annotations

import torch
from torch import nn


def update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged network towards the trained one; buffers are copied."""
    with torch.no_grad():
        for mean, value in zip(average.parameters(), network.parameters()):
            mean.lerp_(value, 1 - decay)
        for mean, value in zip(average.buffers(), network.buffers()):
            mean.copy_(value)
