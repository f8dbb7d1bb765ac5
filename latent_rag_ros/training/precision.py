"""Training in half the bits: twice as fast where the processor can."""
from __future__ import annotations

import torch


def mixed_precision(device: torch.device, enabled: bool) -> torch.autocast:
    """Return a context in which convolutions run in bfloat16; weights stay in single precision.

    Processors without bfloat16 instructions are slower in it: leave it disabled there.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)
