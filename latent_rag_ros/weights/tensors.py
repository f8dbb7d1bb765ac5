"""Weights files as safetensors: floats rest in half precision and run in single precision."""
from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from latent_rag_ros.weights.registry import WeightsError


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors so that readers see the old file or the new one: floats halved, rest as is."""
    stored = {name: (value.half() if value.is_floating_point() else value).contiguous()
              for name, value in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix('.partial')
    save_file(stored, temporary, metadata=dict(metadata))
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def load_network(network: nn.Module, path: Path, device: str = 'cpu') -> nn.Module:
    """Fill a network from a file; it comes back on `device`, frozen, in evaluation mode.

    Raises
    ------
    WeightsError
        The file is no safetensors file or holds other tensors than the network has.
    """
    try:
        tensors = {name: value.float() for name, value in load_file(path).items()}
        network.load_state_dict(tensors)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise WeightsError(f'{path.name} does not hold a {type(network).__name__} ({error}); '
                           'use weights of one release together') from error
    return network.to(device).eval().requires_grad_(False)
