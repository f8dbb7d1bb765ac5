"""Checkpoints that a training run can continue from, and the weights it leaves behind."""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` so that an interrupted run leaves the previous checkpoint whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix('.partial')
    torch.save(dict(state), temporary)
    os.replace(temporary, path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Return the state of an earlier run, or None when there is none."""
    return torch.load(path, weights_only=True) if path.exists() else None


def save_weights(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors as safetensors, floats in half precision, integers as they are."""
    half = {name: (value.half() if value.is_floating_point() else value).contiguous()
            for name, value in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix('.partial')
    save_file(half, temporary, metadata=dict(metadata))
    os.replace(temporary, path)
