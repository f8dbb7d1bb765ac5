"""The floors are what their names say."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation import floors
from latent_rag_ros.evaluation.codecs import jpeg_decoded
from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.metrics import psnr_db


@pytest.fixture(scope='module')
def people():
    return load_held_out_people('validation').first_identities(6)


def test_another_person_is_never_the_same_one(people):
    chosen = floors.another_person(people)
    for image, identity in zip(chosen, people.labels.identities):
        own = people.images[people.labels.identities == identity]
        assert not np.any(np.all(own == image, axis=(1, 2, 3)))


def test_another_person_needs_two_people(people):
    with pytest.raises(ValueError, match='one identity'):
        floors.another_person(people.first_identities(1))


def test_mean_image_is_the_best_constant_picture(people):
    mean = floors.mean_image(people.images, people.images)
    shifted = np.clip(mean.astype(int) + 4, 0, 255).astype(np.uint8)
    def error(guess):
        return np.square(guess.astype(float) - people.images).mean()
    assert error(mean) < error(shifted)
    assert (mean == mean[0]).all()


def test_pixelated_has_one_mean_colour_per_block(people):
    blocks = floors.pixelated(people.images)[:, :16, :16]
    assert (blocks == blocks[:, :1, :1]).all()
    np.testing.assert_allclose(blocks[:, 0, 0], people.images[:, :16, :16].mean(axis=(1, 2)),
                               atol=0.51)


def test_blurred_is_smoother_and_keeps_the_mean_colour(people):
    images = floors.blurred(people.images)
    edges, raw_edges = (np.abs(np.diff(pictures.astype(int), axis=2)).mean()
                        for pictures in (images, people.images))
    assert edges < 0.5 * raw_edges
    np.testing.assert_allclose(images.mean(), people.images.mean(), atol=2)


def test_image_floors_are_pictures_for_every_crop(people):
    made = floors.image_floors(people, load_held_out_people('test').first_identities(2))
    assert set(made) == {'another_person', 'mean_image', 'mid_grey', 'solid_black',
                         'pixelation_16', 'blur_6'}
    for images in made.values():
        assert images.shape == people.images.shape
        assert images.dtype == np.uint8
    assert (made['mid_grey'] == 128).all()
    assert not made['solid_black'].any()


def test_jpeg_changes_pixels_but_not_colours(people):
    decoded = jpeg_decoded(people.images, 80)
    assert (decoded != people.images).any()
    assert psnr_db(decoded, people.images).min() > 25
