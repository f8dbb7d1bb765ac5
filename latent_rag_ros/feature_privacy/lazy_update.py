"""The lazy update in both readings: which generator the extractor meets, and when it moves.

The abstract names a "lazy update strategy" that "stabilizes the update process of the GAN-based
feature reversal module" and gives no formula. Two readings fit, both are here:

`every_k`: the reversal module learns only after every K-th step of the extractor.
`slow_copy`: it learns after every step; the extractor works against a copy that moves towards it
    only every K-th step, G <- b G + (1 - b) G_r.
"""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn

READINGS = ('every_k', 'slow_copy')


class LazyUpdate:
    """Decides when the reversal module learns and what the extractor sees of it.

    Parameters
    ----------
    generator : nn.Module
        The generator in training.
    reading : str
        `every_k` or `slow_copy`.
    every : int
        K, in steps of the extractor.
    decay : float
        b of the slow copy, 0..1; 0 takes the generator as it is then.

    Raises
    ------
    ValueError
        The reading is unknown, or `every` is below 1.
    """

    def __init__(self, generator: nn.Module, reading: str, every: int, decay: float) -> None:
        if reading not in READINGS or every < 1:
            raise ValueError(f'lazy update is {reading!r} every {every} steps; choose one of '
                             f'{", ".join(READINGS)} and at least 1')
        self._generator, self._reading = generator, reading
        self._every, self._decay = every, decay
        self.seen = (generator if reading == 'every_k'
                     else deepcopy(generator).requires_grad_(False))
        """The generator that the extractor works against."""

    @property
    def networks(self) -> dict[str, nn.Module]:
        """What a checkpoint has to keep beside the generator, by name."""
        return {} if self.seen is self._generator else {'slow_generator': self.seen}

    def reversal_learns(self, step: int) -> bool:
        """Return whether the reversal module learns after step `step` of the extractor, from 0."""
        return self._reading == 'slow_copy' or self._is_turn(step)

    def after_step(self, step: int) -> None:
        """Move the slow copy, if there is one and it is its turn."""
        if self._is_turn(step):
            self._move(self._decay)

    def synchronise(self) -> None:
        """Make the slow copy, if there is one, equal to the generator."""
        self._move(0.0)

    def _is_turn(self, step: int) -> bool:
        return (step + 1) % self._every == 0

    @torch.no_grad()
    def _move(self, decay: float) -> None:
        if self.seen is self._generator:
            return
        for slow, value in zip(_values(self.seen), _values(self._generator)):
            slow.lerp_(value, 1 - decay)


def _values(network: nn.Module) -> Iterator[Tensor]:
    """Yield parameters and buffers: the linear map of a generator is a buffer."""
    yield from network.parameters()
    yield from network.buffers()


@contextmanager
def frozen(network: nn.Module) -> Iterator[nn.Module]:
    """Keep the parameters of a network out of the gradients while the context is open."""
    before = [value.requires_grad for value in network.parameters()]
    network.requires_grad_(False)
    try:
        yield network
    finally:
        for value, required in zip(network.parameters(), before):
            value.requires_grad_(required)
