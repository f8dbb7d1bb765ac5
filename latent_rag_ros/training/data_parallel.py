"""Several processes that train one network: each on its own pictures, with equal gradients.

Small networks on a processor gain nothing from threads; two processes are twice as fast as one.
"""
from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed, multiprocessing
from torch.optim import Optimizer

PATIENCE = timedelta(hours=1)
"""One process computes alone what all need before and after a training."""


def run_in_processes(work: Callable[[], None], processes: int, meeting: Path) -> None:
    """Run the same work in several processes that know of each other, and wait for all.

    Parameters
    ----------
    work : callable
        Can be pickled.
    processes : int
        One runs it in this process, without meeting anybody. Batches are those of one process.
    meeting : Path
        A file that does not exist yet, on a file system they share; gone afterwards.

    Raises
    ------
    ValueError
        There are no processes.
    torch.multiprocessing.ProcessRaisedException
        One of them failed.
    """
    if processes < 1:
        raise ValueError(f'processes is {processes}; give at least 1')
    if processes == 1:
        work()
        return
    meeting.unlink(missing_ok=True)
    try:
        multiprocessing.spawn(_joined, (processes, meeting, torch.get_num_threads(), work),
                              processes)
    finally:
        meeting.unlink(missing_ok=True)


def _joined(rank: int, processes: int, meeting: Path, threads: int,
            work: Callable[[], None]) -> None:
    torch.set_num_threads(threads)
    distributed.init_process_group('gloo', init_method=f'file://{meeting.resolve()}', rank=rank,
                                   world_size=processes, timeout=PATIENCE)
    try:
        work()
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """Return the number of this process; the first one, 0, writes what all have made."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def process_count() -> int:
    """Return how many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def wait_for_all() -> None:
    """Return when every process has come here."""
    if distributed.is_initialized():
        distributed.barrier()


def share_gradients(optimiser: Optimizer) -> None:
    """Have an optimiser step along the mean gradient of all processes, from now on."""
    if process_count() > 1:
        optimiser.register_step_pre_hook(_averaged)


def _averaged(optimiser: Optimizer, *_: object) -> None:
    parameters = [parameter for group in optimiser.param_groups for parameter in group['params']
                  if parameter.requires_grad]
    gradients = [torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
                 for parameter in parameters]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= process_count()
    sizes = [gradient.numel() for gradient in gradients]
    for parameter, mean in zip(parameters, flat.split(sizes)):
        parameter.grad = mean.view_as(parameter)
