"""Identity features as the gallery takes them: checked once, never compared across models."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FeatureArray = NDArray[np.float32]
"""Identity features, shape (n, dimension), dtype float32, every row of L2 norm 1."""

NORM_TOLERANCE = 1e-3


class GalleryError(ValueError):
    """Features or identities that the gallery cannot take. Names what is wrong and the remedy."""


@dataclass(frozen=True)
class FeatureSpace:
    """What two features must share to be comparable.

    Parameters
    ----------
    model_id : str
        Embedder that made the features.
    key_id : str
        Key the features were transformed with; empty means no key.
    dimension : int
        Length of a feature.
    """

    model_id: str
    key_id: str
    dimension: int

    def __str__(self) -> str:
        """Return the space as error messages show it."""
        key = f'key {self.key_id!r}' if self.key_id else 'no key'
        return f'model {self.model_id!r}, {key}, dimension {self.dimension}'


@dataclass(frozen=True)
class Features:
    """Checked features of one space.

    Parameters
    ----------
    space : FeatureSpace
        The space all of them live in.
    vectors : FeatureArray
        Shape (n, space.dimension), dtype float32, rows of L2 norm 1.

    Raises
    ------
    GalleryError
        When the shape does not fit the space, a number is not finite, or a row is not normalised.
    """

    space: FeatureSpace
    vectors: FeatureArray

    def __post_init__(self) -> None:
        """Check shape, type, finiteness and norm."""
        dimension = self.space.dimension
        if dimension < 1:
            raise GalleryError(f'feature dimension is {dimension}; send features of length 1 ..')
        if self.vectors.ndim != 2 or self.vectors.shape[1] != dimension:
            raise GalleryError(f'features have shape {self.vectors.shape}; '
                               f'send (n, {dimension}) for {self.space}')
        if self.vectors.dtype != np.float32:
            raise GalleryError(f'features are {self.vectors.dtype}; send float32')
        if not np.isfinite(self.vectors).all():
            raise GalleryError('features hold NaN or infinity; send finite numbers')
        norms = np.linalg.norm(self.vectors, axis=1)
        if norms.size and np.abs(norms - 1).max() > NORM_TOLERANCE:
            raise GalleryError(f'features have L2 norms {norms.min():.4g} .. {norms.max():.4g}; '
                               'normalise them to 1')

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.vectors)

    def only(self, row: int) -> Features:
        """Return the feature at `row` alone, shape (1, dimension)."""
        return Features(self.space, self.vectors[row:row + 1])
