"""The reversal module draws pictures from features, and its losses are what they say."""
from __future__ import annotations

import pytest
import torch

from latent_rag_ros.feature_privacy.reversal_discriminator import ProjectionDiscriminator
from latent_rag_ros.feature_privacy.reversal_module import (
    ReversalModule, ReversalSettings, best_linear_map, conditions)

CPU = torch.device('cpu')
FEATURES, NUMBERS = 16, 12


def world(count: int = 256) -> tuple[torch.Tensor, torch.Tensor]:
    """Return features (n, 16) and pictures (n, 12) that bend away from a linear map of them."""
    torch.manual_seed(0)
    features = conditions(torch.randn(count, FEATURES))
    mixture = torch.randn(FEATURES, NUMBERS)
    return features, features @ mixture + 3 * torch.sin(features @ mixture)


def module(kind: str, pictures: torch.Tensor) -> ReversalModule:
    """Return a module that learns at full rate."""
    made = ReversalModule(FEATURES, pictures.std(0), ReversalSettings(kind=kind), CPU)
    for optimiser in made.optimisers.values():
        optimiser.param_groups[0]['lr'] = 2e-3
    return made


def test_conditions_forget_the_scale_of_features():
    features = torch.randn(3, 16)
    assert torch.allclose(conditions(features), conditions(1000 * features), atol=1e-5)
    assert torch.allclose(conditions(features).norm(dim=1), torch.full((3,), 4.0))


def test_discriminator_judges_whether_the_picture_fits_the_feature():
    features, pictures = world(4)
    discriminator = ProjectionDiscriminator(FEATURES, pictures.std(0))
    logits = discriminator(pictures, features)
    assert logits.shape == (4,)
    assert (logits - discriminator(pictures, features.roll(1, 0))).abs().max() > 1e-4
    alone = discriminator(pictures, torch.zeros(4, FEATURES))
    opposite = discriminator(pictures, -features)
    assert torch.allclose((logits + opposite) / 2, alone, atol=1e-5)  # linear in the feature


def test_gan_draws_another_picture_for_other_noise_and_a_decoder_does_not():
    features, pictures = world()
    torch.manual_seed(1)
    gan, decoder = module('gan', pictures), module('decoder', pictures)
    for one in (gan, decoder):
        one.update(features, pictures)
        one.generator.eval()
    assert (gan.drawn(features) - gan.drawn(features)).abs().max() > 1e-3
    assert torch.equal(decoder.drawn(features), decoder.drawn(features))


@pytest.mark.parametrize('kind', ['gan', 'decoder'])
def test_module_starts_at_the_best_linear_map_and_learns_the_rest(kind):
    features, pictures = world()
    made = module(kind, pictures)
    linear = best_linear_map(features, pictures)
    made.start_from(linear)
    at_first = float(made.error(made.drawn(features), pictures).mean().detach())
    expected = (features @ linear - pictures).square().sum() / len(pictures)
    assert at_first == pytest.approx(float(expected / pictures.std(0).square().sum()), rel=1e-3)
    losses = [made.update(features, pictures) for _ in range(60)]
    made.generator.eval()
    assert made.error(made.drawn(features), pictures).mean() < 0.8 * at_first
    assert ('discriminator' in losses[0]) == (kind == 'gan')


def test_best_linear_map_finds_what_is_linear():
    features = torch.randn(400, FEATURES)
    mixture = torch.randn(FEATURES, NUMBERS)
    assert torch.allclose(best_linear_map(features, features @ mixture, ridge=1e-6), mixture,
                          atol=1e-3)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'vae'; choose one of gan, decoder"):
        ReversalSettings(kind='vae')
