"""Which device the networks run on."""
from __future__ import annotations

import torch

from latent_rag_ros.parameters import ParameterError


def resolve_device(name: str) -> str:
    """Return the device really used for `auto`, `cpu`, `cuda` or `cuda:N`.

    `auto` takes the first CUDA device when there is one, else the CPU.

    Raises
    ------
    ParameterError
        The name is none of these, or that device is not there.
    """
    if name == 'auto':
        return 'cuda:0' if torch.cuda.is_available() else 'cpu'
    if name == 'cpu':
        return name
    kind, _, number = name.partition(':')
    if kind != 'cuda' or not (number or '0').isdigit():
        raise ParameterError(f'device is {name!r}; choose auto, cpu, cuda or cuda:N')
    if int(number or 0) >= torch.cuda.device_count():
        raise ParameterError(f'device is {name!r}, but {torch.cuda.device_count()} CUDA devices '
                             'are here; choose auto or cpu')
    return f'cuda:{int(number or 0)}'
