"""TorchScript archives that users bring, and hashes of files together with their settings.

A TorchScript file is a program. It cannot reach Python, but take one only from somebody you trust.
"""
from __future__ import annotations

import hashlib
import warnings
import zipfile
from pathlib import Path

import torch

from latent_rag_ros.weights.registry import WeightsError, sha256_of


def is_torchscript(path: Path) -> bool:
    """Return whether a file is a TorchScript archive and not a checkpoint of tensors."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.split('/')[-1] == 'constants.pkl' for name in archive.namelist())


def load_torchscript(path: Path, device: str = 'cpu') -> torch.nn.Module:
    """Load a TorchScript archive, frozen and in evaluation mode.

    Raises `WeightsError` when the file is missing or is something else.
    """
    if not path.is_file():
        raise WeightsError(f'{path} is no file; give the path of a TorchScript network')
    try:
        with warnings.catch_warnings():
            # PyTorch advises makers of new files against TorchScript; these files exist
            warnings.simplefilter('ignore', DeprecationWarning)
            network = torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError, OSError) as error:
        raise WeightsError(f'{path} cannot be loaded as TorchScript ({first_line(error)}); save '
                           'the network with torch.jit.save') from error
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def fingerprint_of(path: Path, settings: object) -> str:
    """Return a hash of a file together with the settings it runs with, 64 hexadecimal digits."""
    return hashlib.sha256(f'{sha256_of(path)} {settings}'.encode()).hexdigest()


def first_line(error: Exception) -> str:
    """Return the first line of an error that says something; PyTorch's are often pages long."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def last_line(error: Exception) -> str:
    """Return the last line of an error: for one inside TorchScript that is what happened."""
    return str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
