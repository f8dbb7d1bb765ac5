"""Calls side by side, one per thread: for work that leaves the interpreter, such as a network.

A small network does not get twice as fast on two threads: its operators take less time than waking
the second thread for each of them. Two networks side by side do, with one waking for all.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar('Item')
Result = TypeVar('Result')

_HELPERS = ThreadPoolExecutor(os.cpu_count() or 1, 'engine')
"""Threads are started when they are needed first; without work they sleep."""


def in_parallel(call: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return what `call` returns for every item, in order, on as many threads as PyTorch uses.

    The calling thread works as well, and needs no helper to come to the end: helpers that are held
    up elsewhere are not waited for. An error of a call is raised when all that have begun are
    done.

    Parameters
    ----------
    call : Callable
        Safe from several threads at once; what it returns must depend on its item alone.
    items : Sequence
        May be empty.
    """
    results: list[Result | None] = [None] * len(items)
    rows = iter(range(len(items)))  # next() on it is atomic: every row is taken once

    def work() -> None:
        """Take rows until none is left."""
        for row in rows:
            results[row] = call(items[row])

    helpers = [_HELPERS.submit(work)
               for _ in range(min(len(items), torch.get_num_threads()) - 1)]
    try:
        work()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        errors = [helper.exception() for helper in begun]
    for error in filter(None, errors):
        raise error
    return results
