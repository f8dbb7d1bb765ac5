"""Surroundings: cameras see ground below and something else above, with and without panorama."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.synthesis.background import render_background
from latent_rag_ros.synthesis.camera import Camera, sample_camera
from latent_rag_ros.synthesis.light import shadow_map
from latent_rag_ros.synthesis.panoramas import HEIGHT, WIDTH, panorama, panorama_names

NOBODY = (np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32), np.zeros(0, np.float32))


def picture_of(camera: Camera) -> np.ndarray:
    """Return what a camera sees when nobody is there, shape (48, 64, 3)."""
    picture = np.full((48, 64, 3), np.nan, np.float32)
    dark = camera.light._replace(sun=np.zeros(3))
    render_background(camera.view.window(0, 0, 64 / camera.width_px), camera.surroundings, dark,
                      shadow_map(dark, *NOBODY, 32), picture)
    return picture


def test_every_pixel_of_every_camera_is_finite_and_lit() -> None:
    for number in range(12):
        picture = picture_of(sample_camera(5, number))
        assert np.isfinite(picture).all() and picture.min() >= -1e-6
        assert picture.max() > 0


def test_cameras_of_a_seed_differ_and_repeat() -> None:
    first, again, other = (picture_of(sample_camera(5, number)) for number in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


def test_both_kinds_of_surroundings_and_heights_occur() -> None:
    cameras = [sample_camera(6, number) for number in range(40)]
    photographed = [len(camera.surroundings.panorama) > 1 for camera in cameras]
    heights = np.array([camera.view.position[2] for camera in cameras])
    assert 5 < sum(photographed) < 35
    assert ((heights >= 0.4) & (heights <= 1.4)).sum() > 8  # robots
    assert (heights > 2.4).sum() > 5  # ceilings and masts


def test_some_cameras_see_nights_and_some_look_into_the_light() -> None:
    cameras = [sample_camera(6, number) for number in range(80)]
    is_night = np.array([camera.light.sky.mean() < 0.26 for camera in cameras])
    assert 4 <= is_night.sum() <= 20
    assert 2 <= sum(camera.backlight > 1 for camera in cameras) <= 20
    brightness = [np.median([np.median(picture_of(cameras[number])) for number in numbers[:6]])
                  for numbers in (np.flatnonzero(is_night), np.flatnonzero(~is_night))]
    assert brightness[0] < 0.6 * brightness[1]


def test_panoramas_are_brighter_above_than_their_median() -> None:
    assert len(panorama_names()) == 14
    for name in panorama_names():
        picture = panorama(name)
        assert picture.shape == (HEIGHT, WIDTH, 3) and picture.dtype == np.float32
        assert 0 < np.median(picture) < 1 < picture.max()
