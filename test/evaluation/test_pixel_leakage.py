"""The checks see what they are for: copied blocks, single copied pixels, blended pixels."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation.pixel_leakage import (
    identical_blocks, surviving_pixels, transmission, with_noise)

SHAPE = (60, 80, 3)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def raw(rng):
    return rng.integers(256, size=SHAPE, dtype=np.uint8)


@pytest.fixture
def covered():
    mask = np.zeros(SHAPE[:2], bool)
    mask[10:50, 20:60] = True
    return mask


def solid(raw, covered, level=0):
    output = raw.copy()
    output[covered] = level
    return output


def test_identical_blocks_are_none_when_the_region_is_solid(raw, covered):
    assert identical_blocks(raw, solid(raw, covered), covered) == 0


def test_identical_blocks_finds_one_copied_block(raw, covered):
    output = solid(raw, covered)
    output[21:25, 33:37] = raw[21:25, 33:37]
    assert identical_blocks(raw, output, covered) == 1


def test_identical_blocks_ignores_a_solid_fill_over_black(raw, covered):
    raw[covered] = 0
    assert identical_blocks(raw, solid(raw, covered), covered) == 0


def test_identical_blocks_ignores_what_is_not_covered(raw, covered):
    assert identical_blocks(raw, raw, np.zeros_like(covered)) == 0


def test_noise_replaces_only_low_bits(raw, rng):
    noisy = with_noise(raw, rng)
    assert (noisy >> 5 == raw >> 5).all()
    assert (noisy != raw).mean() > 0.9


def test_surviving_pixels_finds_a_single_copied_pixel(raw, covered, rng):
    images = [raw, with_noise(raw, rng), with_noise(raw, rng)]
    outputs = [solid(image, covered) for image in images]
    assert surviving_pixels(images, outputs, [covered] * 3) == (0, covered.sum())
    for image, output in zip(images, outputs):
        output[30, 30] = image[30, 30]
    assert surviving_pixels(images, outputs, [covered] * 3) == (1, covered.sum())


def test_surviving_pixels_ignores_a_solid_fill_over_black(raw, covered, rng):
    raw[covered] = 0
    images = [raw, with_noise(raw, rng), with_noise(raw, rng)]
    outputs = [solid(image, covered) for image in images]
    assert surviving_pixels(images, outputs, [covered] * 3)[0] == 0


@pytest.mark.parametrize('weight', [0.0, 0.25, 1.0])
def test_transmission_is_the_weight_of_the_input(raw, covered, rng, weight):
    images = [with_noise(raw, rng).astype(np.int16) for _ in range(2)]
    # what is synthesised differs between the runs as well
    outputs = [weight * image + (1 - weight) * rng.integers(100, 120) for image in images]
    change, response = images[0] - images[1], outputs[0] - outputs[1]
    assert transmission(change, response, covered) == pytest.approx(weight, abs=0.02)
