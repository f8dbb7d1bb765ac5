"""Checkpoints that an interrupted training run continues from."""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write `state` so that an interrupted run leaves the previous checkpoint whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix('.partial')
    torch.save(dict(state), temporary)
    os.replace(temporary, path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Return the state of an earlier run, on the CPU wherever it ran, or None without one."""
    if not path.exists():
        return None
    return torch.load(path, map_location='cpu', weights_only=True)

