"""PSNR and SSIM against hand calculation and against the filter's own run-time version."""
from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from latent_rag_ros.evaluation.held_out import load_held_out_people
from latent_rag_ros.evaluation.metrics import PSNR_DB_MAX, psnr_db, ssim
from latent_rag_ros.protection import similarity


def constant(level: int) -> np.ndarray:
    return np.full((1, 128, 64, 3), level, np.uint8)


def test_psnr_of_a_constant_difference():
    assert psnr_db(constant(100), constant(110))[0] == pytest.approx(20 * math.log10(255 / 10))


def test_psnr_is_the_highest_number_when_images_are_identical():
    assert psnr_db(constant(7), constant(7))[0] == PSNR_DB_MAX


def test_psnr_is_taken_per_image():
    images = np.concatenate([constant(100), constant(100)])
    references = np.concatenate([constant(100), constant(101)])
    values = psnr_db(images, references)
    assert values[0] == PSNR_DB_MAX
    assert values[1] == pytest.approx(20 * math.log10(255))


def test_ssim_of_flat_images_is_the_luminance_term():
    a, b, small = 100.0, 150.0, (0.01 * 255) ** 2
    expected = (2 * a * b + small) / (a * a + b * b + small)
    assert ssim(constant(100), constant(150))[0] == pytest.approx(expected, abs=1e-9)


def test_ssim_is_one_when_images_are_identical():
    images = load_held_out_people('validation').images[:2]
    assert ssim(images, images) == pytest.approx([1.0, 1.0])


def test_metrics_agree_with_the_run_time_version():
    images = load_held_out_people('validation').images
    a, b = images[:20], images[20:40]
    batch_a, batch_b = (torch.from_numpy(x).permute(0, 3, 1, 2) for x in (a, b))
    np.testing.assert_allclose(similarity.psnr_db(batch_a, batch_b).numpy(), psnr_db(a, b),
                               atol=1e-3)
    np.testing.assert_allclose(similarity.ssim(batch_a, batch_b).numpy(), ssim(a, b), atol=1e-3)


@pytest.mark.parametrize('metric', [psnr_db, ssim])
def test_metric_refuses_what_is_not_8_bit(metric):
    with pytest.raises(ValueError, match='uint8'):
        metric(constant(1).astype(np.float32) / 255, constant(1))


@pytest.mark.parametrize('metric', [psnr_db, ssim])
def test_metric_refuses_different_shapes(metric):
    with pytest.raises(ValueError, match='shape'):
        metric(constant(1), constant(1)[:, :64])
