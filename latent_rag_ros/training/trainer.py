"""The loop that every training shares: resume, schedule, running average, log, checkpoint."""
from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from latent_rag_ros.training import data_parallel
from latent_rag_ros.training.checkpoint import load_checkpoint, save_checkpoint

LOGGER = logging.getLogger('training')


@dataclass(frozen=True)
class Schedule:
    """How long a run is, how fast it learns, and how often it writes down where it is."""

    iterations: int
    learning_rate: float
    warm_up_iterations: int = 100
    final_share: float = 0.01
    average_decay: float = 0.998
    checkpoint_every: int = 100
    seed: int = 0

    def rate(self, iteration: int) -> float:
        """Return the learning rate: linear warm-up, then half a cosine to `final_share`."""
        warm_up = min(1.0, (iteration + 1) / self.warm_up_iterations)
        cosine = 0.5 + 0.5 * math.cos(math.pi * iteration / self.iterations)
        return self.learning_rate * warm_up * (self.final_share + (1 - self.final_share) * cosine)


Step = Callable[[int, np.random.Generator], Mapping[str, float]]
"""One optimiser step at an iteration; draws from the generator; returns what to log."""


class Trainer:
    """Repeats a step until the schedule ends; an interrupted run continues where it was.

    Every iteration seeds its own random numbers, so an interrupted run draws what an
    uninterrupted one does. Where several processes train together (`data_parallel`), each draws
    its own and they step along their mean gradient; the first one writes.

    Parameters
    ----------
    networks : Mapping
        What is trained, by name; a running average of each is kept.
    optimisers : Mapping
        By name; each parameter group's rate follows the schedule, times its `scale` if it has one.
    schedule : Schedule
    directory : Path
        Where `<name>.checkpoint` and `<name>.log.jsonl` go.
    name : str
        Name of the run.
    """

    def __init__(self, networks: Mapping[str, nn.Module],
                 optimisers: Mapping[str, torch.optim.Optimizer], schedule: Schedule,
                 directory: Path, name: str) -> None:
        self.networks, self.optimisers, self.schedule = networks, optimisers, schedule
        for optimiser in optimisers.values():
            data_parallel.share_gradients(optimiser)
        self.averages = {key: deepcopy(network).requires_grad_(False)
                         for key, network in networks.items()}
        directory.mkdir(parents=True, exist_ok=True)
        self._checkpoint = directory / f'{name}.checkpoint'
        self._log = directory / f'{name}.log.jsonl'
        self.name = name

    def run(self, step: Step) -> dict[str, nn.Module]:
        """Return the averaged networks, in evaluation mode, after the last iteration."""
        start = self._resume()
        data_parallel.wait_for_all()  # nobody writes a checkpoint that another one still reads
        rank = data_parallel.rank()
        progress = tqdm(range(start, self.schedule.iterations), desc=self.name, disable=rank > 0,
                        initial=start, total=self.schedule.iterations, mininterval=10)
        began_s = time.monotonic()
        for iteration in progress:
            self._set_rates(iteration)
            random = self._seed(iteration, rank)
            values = step(iteration, random)
            self._update_averages(iteration)
            done = iteration + 1
            if not rank and (done % self.schedule.checkpoint_every == 0
                             or done == self.schedule.iterations):
                self._save(done, values, (time.monotonic() - began_s) / (done - start))
        return {key: average.eval() for key, average in self.averages.items()}

    def _seed(self, iteration: int, rank: int) -> np.random.Generator:
        seed = self.schedule.seed
        torch.manual_seed(seed * 1_000_003 + iteration + rank * 500_000_000)
        return np.random.default_rng((seed, iteration, rank) if rank else (seed, iteration))

    def _set_rates(self, iteration: int) -> None:
        for optimiser in self.optimisers.values():
            for group in optimiser.param_groups:
                group['lr'] = self.schedule.rate(iteration) * group.get('scale', 1.0)

    def _update_averages(self, iteration: int) -> None:
        """Move the averages towards the networks, fast at first; buffers are copied."""
        decay = min(self.schedule.average_decay, iteration / (iteration + 10))
        with torch.no_grad():
            for key, average in self.averages.items():
                for mean, value in zip(average.parameters(), self.networks[key].parameters()):
                    mean.lerp_(value, 1 - decay)
                for mean, value in zip(average.buffers(), self.networks[key].buffers()):
                    mean.copy_(value)

    def _parts(self) -> dict[str, dict[str, nn.Module | torch.optim.Optimizer]]:
        return {'networks': self.networks, 'averages': self.averages,
                'optimisers': self.optimisers}

    def _resume(self) -> int:
        state = load_checkpoint(self._checkpoint)
        if state is None:
            return 0
        for kind, parts in self._parts().items():
            for key, part in parts.items():
                part.load_state_dict(state[kind][key])
        return state['iteration']

    def _save(self, done: int, values: Mapping[str, float], seconds: float) -> None:
        save_checkpoint(self._checkpoint, {'iteration': done} | {
            kind: {key: part.state_dict() for key, part in parts.items()}
            for kind, parts in self._parts().items()})
        row = {'iteration': done, 'seconds_per_iteration': round(seconds, 4)} | {
            key: round(float(value), 5) for key, value in values.items()}
        with self._log.open('a', encoding='utf-8') as log:
            log.write(json.dumps(row) + '\n')
        LOGGER.info('%s', row)
