"""Both readings of the lazy update: when the reversal module learns, what the extractor sees."""
from __future__ import annotations

import pytest
import torch
from torch import nn

from latent_rag_ros.feature_privacy.lazy_update import LazyUpdate, frozen


def linear(value: float) -> nn.Linear:
    """Return a network whose only weight has a value."""
    network = nn.Linear(1, 1, bias=False)
    nn.init.constant_(network.weight, value)
    return network


def test_every_k_learns_in_every_kth_step_and_sees_the_generator_itself():
    generator = linear(0.0)
    lazy = LazyUpdate(generator, 'every_k', 3, 0.5)
    assert [lazy.reversal_learns(step) for step in range(6)] == [False, False, True] * 2
    nn.init.constant_(generator.weight, 7.0)
    lazy.after_step(2)
    assert lazy.seen is generator and lazy.seen.weight.item() == 7 and lazy.networks == {}


def test_slow_copy_learns_always_and_moves_in_every_kth_step():
    generator = linear(0.0)
    lazy = LazyUpdate(generator, 'slow_copy', 2, 0.75)
    nn.init.constant_(generator.weight, 4.0)
    seen = []
    for step in range(4):
        assert lazy.reversal_learns(step)
        lazy.after_step(step)
        seen.append(lazy.seen.weight.item())
    assert seen == [0.0, 1.0, 1.0, 1.75]
    assert not lazy.seen.weight.requires_grad and set(lazy.networks) == {'slow_generator'}


def test_synchronised_copy_equals_the_generator():
    generator = linear(0.0)
    lazy = LazyUpdate(generator, 'slow_copy', 100, 0.9)
    nn.init.constant_(generator.weight, 4.0)
    lazy.synchronise()
    assert lazy.seen.weight.item() == 4


@pytest.mark.parametrize('reading, every', [('sometimes', 5), ('every_k', 0)])
def test_impossible_schedule_is_refused(reading, every):
    with pytest.raises(ValueError, match='every_k, slow_copy and at least 1'):
        LazyUpdate(linear(0.0), reading, every, 0.5)


def test_frozen_network_gets_no_gradient_and_passes_one_on():
    network, x = linear(2.0), torch.ones(1, 1, requires_grad=True)
    with frozen(network):
        network(x).sum().backward()
    assert x.grad.item() == 2 and network.weight.grad is None and network.weight.requires_grad
