"""Rows of features, searched exactly: all in int8, then in float32 those that may be nearest.

A search is as fast as the memory that it reads, and codes of one byte are a quarter of it. Let
x' and q' be what the codes of a row x and a query q stand for. By Cauchy and Schwarz

    |q x - q' x'| <= |q| |x - x'| + |q - q'| |x'|,

where the lengths of the differences are known: they are computed when a row is encoded. Rows that
were left out in the first step have at most the product q' x' of the last one that was not. If
that plus the bound is below every float32 product that is returned, none of them is missing.
Queries for which this cannot be said are compared with every row in float32.
"""
from __future__ import annotations

from collections.abc import Sequence

import faiss
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.features import FeatureArray

CODE_MAX = 127
CANDIDATES_PER_NEIGHBOUR, CANDIDATES_MIN = 4, 64
"""Rows compared in float32. Features that differ by noise lie closer together than the bound."""

SPARE = 1.25
"""Room left for larger numbers, because all rows are encoded again when one does not fit."""

ROWS_PER_STEP = 16_384


class FeatureRows:
    """Features in a `faiss.IndexFlatIP`, and their codes in a `faiss.IndexScalarQuantizer`.

    Rows are counted from 0 and can be overwritten in place. Nothing is left in memory of rows
    that were overwritten or cut off.

    Parameters
    ----------
    dimension : int
        Length of a row.
    """

    def __init__(self, dimension: int) -> None:
        self._flat = faiss.IndexFlatIP(dimension)
        self._codes = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT)
        self._largest = dimension ** -0.5  # no row of norm 1 has less
        self._error = self._norm = 0.0  # largest |x - x'| and |x|

    def __len__(self) -> int:
        """Return the number of rows."""
        return self._flat.ntotal

    @property
    def vectors(self) -> FeatureArray:
        """The rows, shape (len(self), dimension): a view that the next change may end."""
        return faiss.rev_swig_ptr(self._flat.get_xb(), len(self) * self._flat.d).reshape(
            len(self), self._flat.d)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Their codes, shape (len(self), dimension): a view that the next change may end."""
        return faiss.rev_swig_ptr(self._codes.codes.data(), len(self) * self._flat.d).reshape(
            len(self), self._flat.d)

    def append(self, vectors: FeatureArray) -> None:
        """Add rows, shape (n, dimension), after the last one."""
        vectors = np.ascontiguousarray(vectors)
        for begin in range(0, len(vectors), ROWS_PER_STEP):
            part = vectors[begin:begin + ROWS_PER_STEP]
            rounded = self._rounded(part)
            self._flat.add(part)
            self._codes.add(rounded)

    def overwrite(self, row: int, vector: FeatureArray) -> None:
        """Replace a row by `vector`, shape (dimension,)."""
        rounded = self._rounded(vector[None])
        self.vectors[row] = vector
        self.codes[row] = self._codes.sa_encode(rounded)

    def move(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copy rows over others; none of them may be in both."""
        for array in (self.vectors, self.codes):
            array[targets] = array[sources]

    def truncate(self, end: int) -> None:
        """Cut off the rows from `end` on and overwrite them: FAISS gives no memory back."""
        self.vectors[end:] = 0
        self.codes[end:] = 0
        cut = faiss.IDSelectorRange(end, len(self))
        self._codes.remove_ids(cut)
        self._flat.remove_ids(cut)

    def search(self, vectors: FeatureArray,
               count: int) -> tuple[FeatureArray, NDArray[np.int64]]:
        """Return the largest products with `vectors`, shape (n, dimension), and their rows.

        Both have shape (n, min(count, len(self))), best first.
        """
        vectors, count = np.ascontiguousarray(vectors), min(count, len(self))
        candidates = CANDIDATES_PER_NEIGHBOUR * count + CANDIDATES_MIN
        if candidates >= len(self) // CANDIDATES_PER_NEIGHBOUR:
            return self._flat.search(vectors, count)
        products, rows, are_all = self._search_codes(vectors, count, candidates)
        if not are_all.all():
            products[~are_all], rows[~are_all] = self._flat.search(vectors[~are_all], count)
        return products, rows

    def _search_codes(self, vectors: FeatureArray, count: int, candidates: int,
                      ) -> tuple[FeatureArray, NDArray[np.int64], NDArray[np.bool_]]:
        """Return products, rows, and for which queries, shape (n,), none can be missing."""
        steps = np.abs(vectors).max(axis=1, keepdims=True) / CODE_MAX
        steps[steps == 0] = 1
        rounded = np.rint(vectors / steps)
        # whole numbers, because FAISS makes bytes of queries and drops what is behind the point
        coded, rows = self._codes.search(rounded, candidates)
        products = np.empty_like(coded)
        self._flat.compute_distance_subset(
            len(vectors), faiss.swig_ptr(vectors), candidates, faiss.swig_ptr(products),
            faiss.swig_ptr(rows))
        bound = (np.linalg.norm(vectors, axis=1) * self._error
                 + np.linalg.norm(vectors - rounded * steps, axis=1) * (self._norm + self._error)
                 + self._flat.d * np.finfo(np.float32).eps * (1 + self._norm))  # of rounding
        left_out = coded[:, -1] * steps[:, 0] * (self._largest / CODE_MAX) + bound
        order = np.argsort(-products, axis=1, kind='stable')[:, :count]
        products = np.take_along_axis(products, order, axis=1)
        return products, np.take_along_axis(rows, order, axis=1), products[:, -1] > left_out

    def _rounded(self, vectors: FeatureArray) -> FeatureArray:
        """Return rows in steps of the codes, -127 .. 127, and note by how much they are off."""
        largest = float(np.abs(vectors).max(initial=0))
        if largest > self._largest:
            self._largest, self._error = SPARE * largest, 0.0
            for begin in range(0, len(self), ROWS_PER_STEP):
                part = slice(begin, begin + ROWS_PER_STEP)
                self.codes[part] = self._codes.sa_encode(self._rounded(self.vectors[part]))
        step = np.float32(self._largest / CODE_MAX)
        rounded = np.rint(vectors / step)
        self._error = max(self._error, _longest(vectors - rounded * step))
        self._norm = max(self._norm, _longest(vectors))
        return rounded


def _longest(vectors: FeatureArray) -> float:
    """Return the largest L2 norm of rows; 0 for none."""
    return float(np.sqrt(np.einsum('nd,nd->n', vectors, vectors).max(initial=0)))
