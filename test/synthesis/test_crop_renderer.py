"""Crops: labelled, deterministic, and of a person who can be seen."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.synthesis import crop_renderer
from latent_rag_ros.synthesis.crop_renderer import CAMERAS_PER_PERSON, Crop, render_crop
from latent_rag_ros.synthesis.occluders import add_occluder
from latent_rag_ros.synthesis.person import Person, sample_person
from latent_rag_ros.synthesis.seeds import stream


def test_crop_has_the_size_and_types_of_the_data_set(crops: list[Crop]) -> None:
    for crop in crops:
        assert crop.image.shape == (128, 64, 3) and crop.image.dtype == np.uint8
        assert crop.mask.shape == (128, 64) and crop.mask.dtype == bool


def test_person_is_visible_in_every_crop(crops: list[Crop]) -> None:
    shares = [crop.mask.mean() for crop in crops]
    assert 0.05 < min(shares) and max(shares) < 0.9
    assert 0.2 < np.median(shares) < 0.6


def test_person_is_in_the_middle_of_most_crops(crops: list[Crop]) -> None:
    centres = [np.argwhere(crop.mask).mean(0) for crop in crops]
    assert np.abs(np.median(centres, 0) - [64, 32]).max() < 12


def test_crop_is_the_same_when_it_is_rendered_again(person: Person, crops: list[Crop]) -> None:
    again = render_crop(11, person, 7, 5, 12)
    np.testing.assert_array_equal(again.image, crops[5].image)
    np.testing.assert_array_equal(again.mask, crops[5].mask)
    assert again.camera == crops[5].camera


def test_crops_of_a_person_differ(crops: list[Crop]) -> None:
    assert len({crop.image.tobytes() for crop in crops}) == len(crops)


def test_person_is_seen_by_several_cameras(crops: list[Crop]) -> None:
    assert len({crop.camera for crop in crops}) == CAMERAS_PER_PERSON
    assert max(crop.camera for crop in crops) < 12


def test_all_cameras_are_used_when_there_are_few(person: Person) -> None:
    assert {render_crop(11, person, 7, crop, 2).camera for crop in range(2)} == {0, 1}


def test_crops_show_the_clothes_of_their_person(crops: list[Crop]) -> None:
    """The median colour of the torso varies less within a person than between people."""
    def torso(crop: Crop) -> np.ndarray:
        pixels = crop.image[35:60][crop.mask[35:60]]
        return np.median(pixels, 0) if len(pixels) else np.full(3, 128.0)
    others = [render_crop(11, sample_person(11, number), number, 0, 12)
              for number in range(60, 76)]
    within = np.median(np.std([torso(crop) for crop in crops], 0))
    between = np.median(np.std([torso(crop) for crop in others], 0))
    assert within < 0.9 * between


def test_a_quarter_of_the_crops_shows_others_beside_the_person(
        person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []

    def render(camera, view, width_px, height_px, actors, *sizes):
        radiance, owner = original(camera, view, width_px, height_px, actors, *sizes)
        shown.append((len(actors), (owner > 0).any()))
        return radiance, owner

    original = crop_renderer.render
    monkeypatch.setattr(crop_renderer, 'render', render)
    for crop in range(60):
        render_crop(11, person, 7, crop, 12)
    actors, others_are_seen = np.array(shown).T
    assert 0.12 < (actors > 1).mean() < 0.45 and actors.max() == 3
    assert others_are_seen[actors > 1].mean() > 0.3 and not others_are_seen[actors == 1].any()


def test_occluder_takes_pixels_from_their_owner() -> None:
    for number in range(20):
        owner = np.zeros((96, 48), np.int32)
        radiance = np.full((96, 48, 3), 2.0, np.float32)
        add_occluder(radiance, owner, stream(0, 'test occluder', number))
        hidden = owner == -1
        assert 0 < hidden.sum() < hidden.size
        assert (radiance[hidden] < 2).all() and (radiance[~hidden] == 2).all()
