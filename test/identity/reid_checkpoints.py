"""Checkpoints in the layouts of torchreid and fast-reid, filled by a formula.

`test/data/reid_layouts.json.xz` holds, for some of their networks, the name and shape of every
tensor as the original code saves it, and what that code returned for `crops()` with the tensors of
`filled()`: the first numbers of the feature of each crop.
"""
from __future__ import annotations

import json
import lzma
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

LAYOUTS = Path(__file__).resolve().parents[1] / 'data' / 'reid_layouts.json.xz'
HEIGHT_PX, WIDTH_PX = 64, 32


def recorded() -> dict[str, dict]:
    """Return by network: `shapes` by tensor name, and `features`, shape (2, 8)."""
    return json.loads(lzma.decompress(LAYOUTS.read_bytes()))


def filled(shapes: Mapping[str, list[int]]) -> dict[str, Tensor]:
    """Return tensors of these shapes whose values depend on name and place alone."""
    tensors = {}
    for number, name in enumerate(sorted(shapes)):
        shape = shapes[name]
        if name.endswith('num_batches_tracked'):
            tensors[name] = torch.tensor(0)
            continue
        count = torch.Size(shape).numel()
        wave = torch.sin(torch.arange(count, dtype=torch.float64) ** 1.5 * 0.37 + number)
        if len(shape) > 1:
            # attention multiplies three maps: small weights keep the numbers finite
            gain = 0.1 if '.NL_' in name else 1.0
            wave = gain * wave * (2 / torch.Size(shape[1:]).numel()) ** 0.5
        elif name.endswith(('running_var', 'weight')):
            wave = 1 + 0.2 * wave
        elif name.endswith('.p'):
            wave = 2.5 + wave
        else:
            wave = 0.1 * wave
        tensors[name] = wave.float().reshape(shape)
    return tensors


def crops() -> Tensor:
    """Return two smooth pictures, shape (2, 3, 64, 32), as a network sees them."""
    place = torch.arange(2 * 3 * HEIGHT_PX * WIDTH_PX, dtype=torch.float64)
    return torch.sin(place * 0.011).float().reshape(2, 3, HEIGHT_PX, WIDTH_PX)
