"""The networks of the attackers say nothing before training and see what they should."""
from __future__ import annotations

import pytest
import torch

from latent_rag_ros.evaluation.attacks import diffusion
from latent_rag_ros.evaluation.attacks.recovery import mirrored, psnr_loss
from latent_rag_ros.evaluation.attacks.restormer import BiasFreeNorm, RestormerTiny
from latent_rag_ros.evaluation.attacks.unet import UNet


def spoken(network):
    """Return the network with random weights in its last layer, which are 0 before training."""
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network.eval()


@pytest.mark.parametrize('network', [UNet(3), UNet(6), RestormerTiny()],
                         ids=['unet', 'unet of two', 'restormer'])
def test_network_draws_nothing_before_training(network):
    inputs = 6 if network.state_dict().get('stem.convolution.weight', torch.empty(1, 48)
                                           ).shape[1] == 96 else 3
    drawn = network(torch.rand(2, inputs, 128, 64))
    assert drawn.shape == (2, 3, 128, 64) and not drawn.any()


@torch.no_grad()
@pytest.mark.parametrize('make', [UNet, RestormerTiny])
def test_network_sees_the_whole_picture(make):
    torch.manual_seed(0)
    # in double precision: what comes from afar is small before training
    network, picture = spoken(make(3)).double(), torch.rand(1, 3, 128, 64, dtype=torch.double)
    changed = picture.clone()
    changed[:, :, 100:] = 0
    assert (network(picture) - network(changed))[:, :, :20].abs().max() > 1e-12


@torch.no_grad()
def test_unet_follows_its_condition():
    torch.manual_seed(0)
    network, picture = spoken(UNet(3, 3, 5)), torch.rand(1, 3, 128, 64)
    one, other = (network(picture, torch.full((1, 5), value)) for value in (0.0, 1.0))
    assert not torch.allclose(one, other)


def test_bias_free_norm_scales_without_centring():
    x = torch.randn(1, 64, 3, 2) + 5
    expected = x / (x.var(1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    assert torch.allclose(BiasFreeNorm(64)(x), expected, atol=1e-5)
    assert expected.mean() > 1


def test_signal_falls_from_all_to_nothing():
    signal = diffusion.share_of_signal(torch.linspace(0, 1, 11))
    assert float(signal[0]) == 1 and float(signal[-1]) < 1e-9
    assert (signal.diff() < 0).all()


@torch.no_grad()
def test_diffusion_ends_at_the_picture_that_its_network_is_sure_of():
    wanted = torch.rand(2, 3, 128, 64)

    def network(pictures, numbers):
        assert pictures.shape == (2, 6, 128, 64) and len(numbers) == 2
        return wanted

    attacker = diffusion.DiffusionRecoverer()
    assert torch.equal(attacker.guess(network, torch.rand(2, 3, 128, 64), None), wanted)


@torch.no_grad()
def test_diffusion_steps_lower_the_noise_that_the_network_is_given():
    seen = []

    def network(pictures, numbers):
        seen.append(float(pictures[:, 3:].std()))
        return torch.full((2, 3, 128, 64), 0.5)

    diffusion.DiffusionRecoverer()._draw(network, torch.rand(2, 3, 128, 64), 0)
    assert len(seen) == diffusion.STEPS and seen == sorted(seen, reverse=True)
    assert seen[0] == pytest.approx(1, abs=0.05) and seen[-1] < 0.5


def test_psnr_loss_is_the_mean_psnr_in_bel():
    originals = torch.zeros(2, 3, 4, 4)
    guess = torch.stack([torch.full((3, 4, 4), 0.1), torch.full((3, 4, 4), 0.01)])
    assert float(psnr_loss(guess, originals)) == pytest.approx(-(20 + 40) / 2 / 10, abs=0.01)


def test_mirrored_pairs_are_mirrored_on_both_sides():
    torch.manual_seed(0)
    pictures, originals = torch.rand(16, 6, 4, 4), torch.rand(16, 3, 4, 4)
    seen, numbers, wanted = mirrored(pictures, None, originals)
    flipped = [bool((seen[row] == pictures[row].flip(2)).all()) for row in range(16)]
    assert 0 < sum(flipped) < 16 and numbers is None
    for row, is_flipped in enumerate(flipped):
        assert torch.equal(wanted[row], originals[row].flip(2) if is_flipped else originals[row])
        assert is_flipped or torch.equal(seen[row], pictures[row])
