"""The clock of the networks; no test looks at how fast anything is."""
from __future__ import annotations

import torch

from latent_rag_ros.evaluation.speed import BATCHES, WARM_UP_CALLS, speed_figures, threads


def test_speed_counts_calls_batches_and_threads():
    seen = []

    def network(rows):
        seen.append((torch.get_num_threads(), len(rows), torch.is_grad_enabled()))
        return rows

    before = torch.get_num_threads()
    figures = speed_figures({'network': (network, torch.zeros(max(BATCHES), 3))}, calls=16)
    assert torch.get_num_threads() == before
    for count in (2, 1):
        for batch in BATCHES:
            assert seen.count((count, batch, False)) == WARM_UP_CALLS + 16 // batch
    for part in (figures['network'], figures['one_thread']['network']):
        for batch in BATCHES:
            assert (0 <= part[f'batch_{batch}_min'] <= part[f'batch_{batch}']
                    <= part[f'batch_{batch}_p95'])


def test_threads_come_back_after_an_error():
    before = torch.get_num_threads()
    try:
        with threads(before + 1):
            raise KeyError
    except KeyError:
        pass
    assert torch.get_num_threads() == before
