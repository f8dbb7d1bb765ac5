"""Reads checkpoints of other projects safely, and fills a network or says what differs."""
from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from latent_rag_ros.weights.registry import WeightsError

SHOWN = 3
"""Keys that an error message names before it says how many more there are."""

# Training scripts store figures such as the best Rank-1 beside the tensors: plain numbers.
_NUMBER_TYPES = [np.dtype, (np.float64(0).__reduce__()[0], 'numpy.core.multiarray.scalar'),
                 (np.float64(0).__reduce__()[0], 'numpy._core.multiarray.scalar'),
                 *(type(np.dtype(name)) for name in ('f4', 'f8', 'i4', 'i8', 'bool'))]


def read_checkpoint(path: Path) -> dict[str, object]:
    """Return what a checkpoint holds, by name; nothing in the file is ever executed.

    Reads safetensors and files of `torch.save`, the latter with `weights_only=True`.

    Raises
    ------
    WeightsError
        The file cannot be read, or it holds more than tensors, numbers and containers of them.
    """
    try:
        if path.suffix == '.safetensors':
            return dict(load_file(path))
        with torch.serialization.safe_globals(_NUMBER_TYPES):
            content = torch.load(path, map_location='cpu', weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f'{path} holds Python objects, which are not loaded because they could run code '
            f'({str(error).splitlines()[0]}); save the tensors alone: '
            'torch.save(model.state_dict(), file)') from error
    except (OSError, EOFError, RuntimeError, ValueError, SafetensorError) as error:
        raise WeightsError(f'{path} cannot be read as a checkpoint ({error}); give a file of '
                           'torch.save or safetensors') from error
    if not isinstance(content, Mapping):
        raise WeightsError(f'{path} holds a {type(content).__name__}; give a checkpoint, which '
                           'is a dict of tensors by name')
    return dict(content)


def tensors_of(content: Mapping[str, object], ignored: Iterable[str] = ()) -> dict[str, Tensor]:
    """Return the tensors by name: without the prefix `module.` of DataParallel, as floats.

    Names that start with one of `ignored` (a classifier, say) and counters of batches are left
    out.
    """
    tensors = {name.removeprefix('module.'): value for name, value in content.items()
               if isinstance(value, Tensor)}
    return {name: value.float() for name, value in tensors.items()
            if not name.startswith(tuple(ignored)) and not name.endswith('num_batches_tracked')}


def fill(network: nn.Module, tensors: Mapping[str, Tensor], path: Path, layout: str) -> nn.Module:
    """Load tensors into a network; it comes back frozen and in evaluation mode.

    Parameters
    ----------
    tensors : Mapping
        Parameters and running statistics by name.
    path : Path
        File they came from, for the message.
    layout : str
        What the file was taken for, for the message.

    Raises
    ------
    WeightsError
        A name is missing or unknown, a shape differs, or a value is not finite. Names the key and
        both shapes.
    """
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()
                if not name.endswith('num_batches_tracked')}
    problems = [f'{name} is missing, expected shape {shape}' for name, shape in expected.items()
                if name not in tensors]
    problems += [f'{name} has shape {tuple(tensors[name].shape)}, expected {shape}'
                 for name, shape in expected.items()
                 if name in tensors and tuple(tensors[name].shape) != shape]
    problems += [f'{name} has shape {tuple(value.shape)} and no place in the network'
                 for name, value in tensors.items() if name not in expected]
    problems += [f'{name} holds numbers that are not finite' for name, value in tensors.items()
                 if not bool(value.isfinite().all())]
    if problems:
        more = f', and {len(problems) - SHOWN} more' if len(problems) > SHOWN else ''
        raise WeightsError(
            f'{path} does not fit {layout}: {"; ".join(problems[:SHOWN])}{more}. Give a '
            'checkpoint of that network, or export yours as TorchScript or ONNX')
    network.load_state_dict(dict(tensors), strict=False)
    return network.eval().requires_grad_(False)
