"""Work in smaller parts where the memory of the device does not suffice for all at once."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

Item = TypeVar('Item')
Result = TypeVar('Result')


def in_fitting_parts(make: Callable[[Sequence[Item]], Sequence[Result]],
                     items: Sequence[Item]) -> list[Result]:
    """Return what `make` makes of the items, in order; halve them while memory runs out.

    Parameters
    ----------
    make : Callable
        Takes a part of the items, one or more, and returns one result for each.
    items : Sequence
        May be empty.

    Raises
    ------
    torch.cuda.OutOfMemoryError
        Not even a single item fits.
    """
    if not items:
        return []
    try:
        return list(make(items))
    except torch.cuda.OutOfMemoryError:
        if len(items) == 1:
            raise
    torch.cuda.empty_cache()  # here the failed attempt has let go of its tensors
    middle = len(items) // 2
    return in_fitting_parts(make, items[:middle]) + in_fitting_parts(make, items[middle:])
