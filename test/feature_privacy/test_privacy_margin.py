"""The privacy loss has an end, and neither scale nor distance wins anything beyond it."""
from __future__ import annotations

import pytest
import torch

from latent_rag_ros.feature_privacy.privacy_margin import privacy_loss, stranger_shifts


def test_loss_is_zero_with_its_gradient_when_a_stranger_is_as_near():
    own = torch.tensor([1.0, 1.5, 100.0], requires_grad=True)
    loss = privacy_loss(own, torch.tensor([1.0, 1.0, 1.0]))
    loss.backward()
    assert float(loss.detach()) == 0 and float(own.grad.abs().max()) == 0


def test_loss_is_one_when_the_reversal_is_perfect_and_never_more():
    assert float(privacy_loss(torch.zeros(4), torch.ones(4))) == 1
    assert float(privacy_loss(torch.zeros(4), 1e6 * torch.ones(4))) == 1


def test_loss_is_the_same_when_all_distances_are_scaled():
    own, stranger = torch.rand(8), torch.rand(8) + 0.5
    assert torch.allclose(privacy_loss(own, stranger), privacy_loss(50 * own, 50 * stranger))


def test_no_gradient_reaches_the_margin():
    own, stranger = torch.ones(2, requires_grad=True), torch.full((2,), 2.0, requires_grad=True)
    privacy_loss(own, stranger).backward()
    assert own.grad is not None and own.grad.abs().min() > 0 and stranger.grad is None


@pytest.mark.parametrize('count, each', [(64, 4), (16, 4), (8, 4), (6, 2)])
def test_shifted_rows_meet_other_people_only(count, each):
    people = torch.arange(count) // each
    for _ in range(20):
        shifts = stranger_shifts(count, each)
        assert 0 < len(shifts) == len(set(shifts)) <= 3
        assert all(bool((people != people.roll(shift)).all()) for shift in shifts)


def test_one_person_has_no_stranger():
    with pytest.raises(ValueError, match='show one person'):
        stranger_shifts(4, 4)
