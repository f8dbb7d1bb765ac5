"""Cameras: brighter light gives brighter pixels; blur, noise and JPEG do what they say."""
from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from latent_rag_ros.synthesis.degradation import (
    Imaging, degraded, developed, sample_imaging)
from latent_rag_ros.synthesis.light import sample_light
from latent_rag_ros.synthesis.seeds import stream

NEUTRAL = Imaging(np.ones(3), 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 92)
EDGE = np.zeros((64, 48, 3), np.float32)
EDGE[:, 24:] = 0.8


def test_development_keeps_the_order_of_brightness() -> None:
    ramp = np.linspace(0, 2, 50, dtype=np.float32)[None, :, None].repeat(3, 2)
    for contrast in (0.0, 0.8):
        values = developed(ramp, dataclasses.replace(NEUTRAL, contrast=contrast))[0, :, 1]
        assert (np.diff(values) >= 0).all()
        assert values[0] == 0 and values[-1] <= 1


def test_picture_is_grey_when_saturation_is_zero() -> None:
    colourful = np.float32([[[0.6, 0.2, 0.1]]])
    grey = developed(colourful, dataclasses.replace(NEUTRAL, saturation=0.0))
    assert np.ptp(grey) < 1e-6


def test_edge_is_softer_when_the_lens_blurs() -> None:
    def steepest(imaging: Imaging) -> int:
        picture = degraded(EDGE, imaging, stream(0, 'test blur'))
        return int(np.abs(np.diff(picture[..., 1].astype(int), axis=1)).max())
    assert steepest(dataclasses.replace(NEUTRAL, blur_px=2.0)) < 0.6 * steepest(NEUTRAL)


def test_some_pictures_are_blurred_along_one_direction_when_things_move() -> None:
    picture = np.zeros((48, 48, 3), np.float32)
    picture[24, 24] = 4.0
    moving = dataclasses.replace(NEUTRAL, motion_px=8.0)
    lengths = []
    for number in range(30):
        rows, columns = np.nonzero(degraded(picture, moving, stream(0, 'test motion', number)
                                            )[..., 1] > 60)
        spread = np.linalg.eigvalsh(np.cov(rows, columns)) if len(rows) > 2 else np.zeros(2)
        lengths.append(np.sqrt(spread))
    across, along = np.array(lengths).T
    streaks = along > 3 * np.maximum(across, 0.3)
    assert 3 <= streaks.sum() <= 20  # a moving person is sharp in most pictures


def test_flat_picture_is_grainier_when_there_is_noise() -> None:
    flat = np.full((64, 48, 3), 0.5, np.float32)
    def grain(noise: float) -> float:
        return float(degraded(flat, dataclasses.replace(NEUTRAL, noise=noise),
                              stream(0, 'test noise')).std())
    assert grain(0.03) > 3 * max(grain(0.0), 0.5)


def test_red_stays_red_through_the_jpeg() -> None:
    red = np.zeros((32, 32, 3), np.float32)
    red[..., 0] = 0.9
    picture = degraded(red, NEUTRAL, stream(0, 'test colour order'))
    assert picture.dtype == np.uint8
    assert picture[..., 0].mean() > 150 > 60 > picture[..., 2].mean()


def test_white_balance_removes_most_of_the_tint_of_the_light() -> None:
    light = sample_light(stream(0, 'test tint'), False, False)
    warm = light._replace(sky=light.sky * [1.5, 1, 0.6], ground=light.ground * [1.5, 1, 0.6])
    gains = np.mean([sample_imaging(stream(0, 'test balance', k), False, warm).white_balance
                     for k in range(40)], 0)
    assert gains[0] < gains[1] < gains[2]


def test_nights_are_noisier() -> None:
    light = sample_light(stream(0, 'test tint'), False, False)
    noise = [np.mean([sample_imaging(stream(0, 'test night', k), night, light).noise
                      for k in range(60)]) for night in (False, True)]
    assert noise[1] > 1.6 * noise[0]


def test_cv2_is_deterministic_for_the_codec_used() -> None:
    picture = (stream(0, 'test codec').random((64, 48, 3)) * 255).astype(np.uint8)
    first, second = (cv2.imencode('.jpg', picture)[1] for _ in range(2))
    np.testing.assert_array_equal(first, second)
