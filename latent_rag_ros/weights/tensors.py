"""Weights files as safetensors: floats rest in half precision and run in single precision."""
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from latent_rag_ros.weights.registry import WeightsError, write_atomically

LENGTH_BYTES = 8
"""A safetensors file begins with the length of its header, little-endian."""


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors so that readers see the old file or the new one: floats halved, rest as is.

    Raises `OSError` when the file cannot be written; the old one stays.
    """
    stored = {name: (value.half() if value.is_floating_point() else value).contiguous()
              for name, value in tensors.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(stored, metadata=dict(metadata)))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a file and its metadata, both of the same version of it.

    The file is read once: safetensors itself opens it a second time for the tensors, when a
    writer may have replaced it.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It is no safetensors file, or a truncated one.
    """
    content = path.read_bytes()
    try:
        tensors = load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    header_bytes = int.from_bytes(content[:LENGTH_BYTES], 'little')
    header = json.loads(content[LENGTH_BYTES:LENGTH_BYTES + header_bytes])
    return tensors, header.get('__metadata__', {})


def load_network(network: nn.Module, path: Path, device: str = 'cpu') -> nn.Module:
    """Fill a network from a file; it comes back on `device`, frozen, in evaluation mode.

    Raises
    ------
    WeightsError
        The file is no safetensors file or holds other tensors than the network has.
    """
    try:
        tensors = {name: value.float() for name, value in load_tensors(path)[0].items()}
        network.load_state_dict(tensors)
    except (OSError, ValueError, RuntimeError) as error:
        raise WeightsError(f'{path.name} does not hold a {type(network).__name__} ({error}); '
                           'use weights of one release together') from error
    return network.to(device).eval().requires_grad_(False)
