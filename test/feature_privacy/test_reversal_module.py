"""The reversal module draws pictures from features, and its losses are what they say."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.feature_privacy.picture_distance import PictureDistance
from latent_rag_ros.feature_privacy.reversal_discriminator import ProjectionDiscriminator
from latent_rag_ros.feature_privacy.reversal_generator import ReversalGenerator, conditions
from latent_rag_ros.feature_privacy.reversal_module import ReversalModule, ReversalSettings

CPU = torch.device('cpu')


def test_generator_draws_another_picture_for_other_noise_and_for_another_feature():
    torch.manual_seed(0)
    generator = ReversalGenerator(16, 8)
    features, noise = torch.randn(2, 16), generator.noise(2, torch.zeros(1))
    first, second = generator(features, noise)
    assert first.shape == (3, 128, 64) and 0 <= first.min() and first.max() <= 1
    assert (first - second).abs().max() > 0.01
    again = generator(features, generator.noise(2, torch.zeros(1)))
    assert (generator(features, noise) - again).abs().max() > 0.01


def test_conditions_forget_the_scale_of_features():
    features = torch.randn(3, 16)
    assert torch.allclose(conditions(features), conditions(1000 * features), atol=1e-5)
    assert torch.allclose(conditions(features).norm(dim=1), torch.full((3,), 4.0))


def test_discriminator_judges_whether_the_picture_fits_the_feature():
    torch.manual_seed(0)
    discriminator = ProjectionDiscriminator(16).eval()
    pictures, features = torch.rand(4, 3, 128, 64), conditions(torch.randn(4, 16))
    logits = discriminator(pictures, features)
    swapped = discriminator(pictures, features.roll(1, 0))
    opposite = discriminator(pictures, -features)
    assert logits.shape == (4,)
    assert (logits - swapped).abs().max() > 1e-4
    alone = discriminator(pictures, torch.zeros(4, 16))
    assert torch.allclose((logits + opposite) / 2, alone, atol=1e-5)  # linear in the feature


def test_distance_counts_the_person_more_than_the_background(judge):
    distance = PictureDistance(judge, 1.0, 0.0)
    crops, person = torch.full((1, 3, 128, 64), 0.5), torch.zeros(1, 1, 128, 64)
    person[:, :, 32:96, 16:48] = 1
    on_person, behind = crops + 0.2 * person, crops.clone()
    behind[:, :, :64, :16], behind[:, :, :64, 48:] = 0.7, 0.7  # as many pixels
    assert float(distance(crops, crops, person)) == 0
    assert float(distance(on_person, crops, person)) > 4 * float(distance(behind, crops, person))


@pytest.mark.parametrize('kind', ['gan', 'decoder'])
def test_module_learns_to_reverse_when_features_say_the_colour(kind, crops, colour_features,
                                                               judge):
    torch.manual_seed(0)
    module = ReversalModule(16, ReversalSettings(kind=kind), judge, CPU)
    for optimiser in module.optimisers.values():
        optimiser.param_groups[0]['lr'] = 2e-3
    rows = np.arange(0, 192, 12)
    batch = (conditions(torch.from_numpy(colour_features[rows])), crops.tensor(rows),
             crops.mask(rows))
    losses = [module.update(*batch) for _ in range(14)]
    assert losses[-1]['reversal_distance'] < 0.9 * losses[0]['reversal_distance']
    assert ('discriminator' in losses[0]) == (kind == 'gan')


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'vae'; choose one of gan, decoder"):
        ReversalSettings(kind='vae')
