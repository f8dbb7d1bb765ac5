"""How long the networks take on the CPU, at batch 1 and 8, on one and on two threads."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.evaluation.figures import Figures

BATCHES = (1, 8)
THREADS = (2, 1)
"""Numbers of threads; the first is the one of the published figures."""

WARM_UP_CALLS = 10
TimedNetworks = Mapping[str, tuple[Callable[[Tensor], Tensor], Tensor]]
"""By name: what is called, and an input of `max(BATCHES)` rows."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let PyTorch compute on `count` threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def latencies_ms(network: Callable[[Tensor], Tensor], batch: Tensor,
                 calls: int) -> NDArray[np.float64]:
    """Return the wall time of `calls` calls in ms, shape (calls,), after a warm-up."""
    for _ in range(WARM_UP_CALLS):
        network(batch)
    taken_s = []
    for _ in range(calls):
        began_s = time.perf_counter()
        network(batch)
        taken_s.append(time.perf_counter() - began_s)
    return 1000 * np.array(taken_s)


def speed_figures(networks: TimedNetworks, calls: int = 200) -> Figures:
    """Return the latencies of networks in ms.

    Parameters
    ----------
    networks : Mapping
        What is called and on what, by name.
    calls : int
        Calls per figure.

    Returns
    -------
    dict
        Per network `batch_1` and `batch_8`, the medians on two threads, each with its
        95th percentile `_p95` and its fastest call `_min` (on a busy machine the nearest to an
        idle one); the same on one thread below `one_thread`.
    """
    figures: Figures = {'threads': THREADS[0], 'calls': calls}
    for count in THREADS:
        with threads(count):
            measured = {name: _of_batches(network, rows, calls)
                        for name, (network, rows) in networks.items()}
        figures |= measured if count == THREADS[0] else {'one_thread': measured}
    return figures


def _of_batches(network: Callable[[Tensor], Tensor], rows: Tensor, calls: int) -> Figures:
    figures = {}
    for batch in BATCHES:
        taken = latencies_ms(network, rows[:batch].contiguous(), max(1, calls // batch))
        for name, value in summary_ms(taken).items():
            figures[f'batch_{batch}' + ('' if name == 'median' else f'_{name}')] = value
    return figures


def summary_ms(taken_ms: NDArray[np.float64]) -> dict[str, float]:
    """Return `median`, `p95` and `min` of latencies; the last is nearest to an idle machine."""
    return {name: round(float(value), 3) for name, value in (
        ('median', np.median(taken_ms)), ('p95', np.percentile(taken_ms, 95)),
        ('min', taken_ms.min()))}
