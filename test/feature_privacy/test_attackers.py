"""Fresh attackers learn; turned features gain nothing; a stale generator is fooled and unused."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.feature_privacy.attacker import CollectedFeatures
from latent_rag_ros.feature_privacy.decoder_attacker import DecoderAttacker
from latent_rag_ros.feature_privacy.diffusion_attacker import DiffusionAttacker
from latent_rag_ros.feature_privacy.gan_attacker import GanAttacker
from latent_rag_ros.feature_privacy.reversal_module import (
    ReversalModule, ReversalSettings, best_linear_map, conditions)

BATCH, ATTACKED = 8, slice(0, None, 8)


def skill(collected: CollectedFeatures, pictures: np.ndarray) -> float:
    """Return the share of the person's pixels explained beyond the mean picture."""
    own = collected.pictures
    truth, masks = own.images[ATTACKED].astype(float), own.masks[ATTACKED]
    mean = own.images.mean(0)
    return 1 - float(np.square(pictures - truth)[masks].sum()
                     / np.square(mean - truth)[masks].sum())


def decoded(collected: CollectedFeatures, features: np.ndarray, folder) -> float:
    """Return the skill of a decoder that is trained on these features."""
    attacker = DecoderAttacker(batch=BATCH)
    own = CollectedFeatures(features, collected.pictures, collected.identities)
    attacker.fit(own, Budget(16, 1), folder)
    return skill(collected, attacker.reverse(features[ATTACKED])[0])


@pytest.fixture(scope='module')
def plain_skill(collected, tmp_path_factory) -> float:
    """Return the skill of a decoder on the features as they are."""
    return decoded(collected, collected.features, tmp_path_factory.mktemp('plain'))


def test_decoder_reverses_better_than_the_mean_picture_when_features_say_something(plain_skill):
    assert plain_skill > 0.05


def test_turned_features_gain_nothing_against_a_fresh_attacker(collected, turned, plain_skill,
                                                               tmp_path):
    assert decoded(collected, collected.features @ turned, tmp_path) > plain_skill - 0.03


def test_stale_generator_is_fooled_by_turned_features(collected, turned):
    """Why the reversal module of the training is no attacker: turning features defeats it."""
    torch.manual_seed(0)
    pictures = collected.pictures.coordinates
    features = conditions(torch.from_numpy(collected.features))
    module = ReversalModule(16, pictures.std(0) + 1e-6, ReversalSettings(kind='decoder'),
                            torch.device('cpu'))
    module.start_from(best_linear_map(features, pictures))
    module.update(features, pictures)
    module.generator.eval()

    def reversed_skill(features: np.ndarray) -> float:
        """Return the skill of the pictures that the module draws of features."""
        with torch.no_grad():
            drawn = module.drawn(conditions(torch.from_numpy(features[ATTACKED])))
        images = collected.pictures.space.pictures(drawn).permute(0, 2, 3, 1).numpy()
        return skill(collected, images * 255)

    known, unknown = reversed_skill(collected.features), reversed_skill(
        collected.features @ turned)
    assert known > 0.05 and unknown < known - 0.05


@pytest.mark.parametrize('kind', [GanAttacker, DiffusionAttacker])
def test_drawing_attacker_gives_several_pictures_and_the_same_again(kind, collected, tmp_path):
    attacker = kind(batch=4)
    attacker.fit(collected, Budget(3, 1), tmp_path)
    draws = attacker.reverse(collected.features[:3])
    assert len(draws) == kind.draws > 1
    assert draws[0].shape == (3, 128, 64, 3) and draws[0].dtype == np.uint8
    again = attacker.reverse(collected.features[:3])
    assert all((one == other).all() for one, other in zip(draws, again))


@pytest.mark.parametrize('attacker', [DecoderAttacker(), DiffusionAttacker()])
def test_attacker_knows_nothing_before_it_is_trained(attacker, collected):
    with pytest.raises(RuntimeError, match='has not been trained'):
        attacker.reverse(collected.features[:2])


def test_rows_that_do_not_belong_together_are_refused(collected):
    with pytest.raises(ValueError, match='give one of each per picture'):
        CollectedFeatures(collected.features[:5], collected.pictures, collected.identities)
