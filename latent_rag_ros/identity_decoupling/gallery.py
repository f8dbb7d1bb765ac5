"""The gallery of synthetic identity codes that replacements are taken from: one file, checked.

Nobody real is in it: a person who is replaced gets the identity of someone who does not exist.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.weights.registry import WeightsError
from latent_rag_ros.weights.tensors import load_tensors, save_tensors

CODES = 'identity_codes'
LEAST = 2


@dataclass(frozen=True)
class IdentityGallery:
    """Identity codes of people who do not exist.

    Parameters
    ----------
    codes : NDArray
        Shape (n, d), float32, rows of length 1, n at least 2.

    Raises
    ------
    ValueError
        Fewer than two codes, another shape, or a value that is not finite.
    """

    codes: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Bring every row to length 1."""
        codes = np.asarray(self.codes, np.float32)
        if codes.ndim != 2 or len(codes) < LEAST:
            raise ValueError(f'codes has shape {codes.shape}; give at least {LEAST} rows (n, d)')
        lengths = np.linalg.norm(codes, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths == 0).any():
            raise ValueError('codes holds a row that is zero or not finite; leave it out')
        object.__setattr__(self, 'codes', codes / lengths)

    def __len__(self) -> int:
        """Return the number of codes."""
        return len(self.codes)

    @property
    def dimension(self) -> int:
        """Length of a code."""
        return self.codes.shape[1]


def save_gallery(path: Path, gallery: IdentityGallery, source: str) -> None:
    """Write a gallery, codes in half precision; `source` says who they are.

    Raises `OSError` when the file cannot be written; an older one stays.
    """
    save_tensors(path, {CODES: torch.from_numpy(gallery.codes)}, {'source': source})


def load_gallery(path: Path) -> IdentityGallery:
    """Return the gallery of a file.

    Raises
    ------
    WeightsError
        The file cannot be read or holds no gallery.
    """
    try:
        codes = load_tensors(path)[0][CODES].float().numpy()
        return IdentityGallery(codes)
    except (OSError, ValueError, KeyError) as error:
        raise WeightsError(f'{path} holds no gallery of identity codes ({error}); '
                           'make it with latent-rag train faces') from error
