"""What the output of a detector looks like: the contract of the `decode_*` files."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Outputs = Mapping[str, NDArray]
"""Outputs of the network by name, batch of one."""


class Found(NamedTuple):
    """Persons in one picture.

    Boxes (m, 4) are left, top, right, bottom in pixels of the network's input; scores (m,) 0..1.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class Query:
    """What to look for in an output.

    Parameters
    ----------
    height_px, width_px : int
        Size of the network's input.
    score_min : float
        Persons below this score are left out.
    person_class : int
        Class number of a person; -1 guesses by the number of classes.
    """

    height_px: int
    width_px: int
    score_min: float
    person_class: int = -1

    def person_of(self, classes: int) -> int:
        """Return the class of a person among `classes`; 91 are COCO's numbers with their gaps.

        Raises `LayoutError` when there are too few classes.
        """
        person = self.person_class if self.person_class >= 0 else int(classes == 91)
        if person >= classes:
            raise LayoutError(f'detector.person_class is {person}, the output has {classes} '
                              'classes; give a smaller number')
        return person


@dataclass(frozen=True)
class DetectorFormat:
    """One family of detectors.

    Parameters
    ----------
    placement : str
        How a picture gets into the square: `stretch`, or with its aspect kept in the top left
        `corner` or the `centre`, the rest grey.
    normalisation, colour_order : str
        Input the family was published with, see `weights.normalisation`.
    fits : callable
        Whether outputs have this layout, for an input of the given height and width.
    decode : callable
        The persons of an output; raises `LayoutError` when it has another layout.
    """

    placement: str
    normalisation: str
    colour_order: str
    fits: Callable[[Outputs, int, int], bool]
    decode: Callable[[Outputs, Query], Found]


class LayoutError(ValueError):
    """The outputs of a network have another layout than its format says. Names both."""


def shapes_of(outputs: Outputs) -> str:
    """Return names and shapes of outputs for a message."""
    return ', '.join(f'{name} {tuple(value.shape)}' for name, value in outputs.items())


def only_output(outputs: Outputs, expected: str) -> NDArray[np.float64]:
    """Return the single output without its batch, shape (a, b).

    Raises `LayoutError`, saying what was `expected`, when it is not one array (1, a, b).
    """
    values = [value for value in outputs.values() if value.ndim == 3]
    if not values or values[0].shape[0] != 1:
        raise LayoutError(f'the outputs are {shapes_of(outputs)}; expected {expected}')
    return values[0][0].astype(np.float64)


def cell_count(height_px: int, width_px: int, strides_px: tuple[int, ...]) -> int:
    """Return how many cells the grids of these strides have."""
    return sum(-(-height_px // stride) * -(-width_px // stride) for stride in strides_px)


def grid(height_px: int, width_px: int,
         strides_px: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return column and row (cells, 2) and stride (cells, 1) of every cell, finest grid first."""
    cells, strides = [], []
    for stride in strides_px:
        rows, columns = np.mgrid[:-(-height_px // stride), :-(-width_px // stride)]
        cells.append(np.stack([columns.ravel(), rows.ravel()], 1))
        strides.append(np.full((rows.size, 1), stride))
    return np.concatenate(cells).astype(np.float64), np.concatenate(strides).astype(np.float64)


def corners(centred: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return boxes (m, 4) as left, top, right, bottom from centre x, centre y, width, height."""
    half = centred[:, 2:] / 2
    return np.hstack([centred[:, :2] - half, centred[:, :2] + half])
