"""Erasing comes first, and a patch never leaves a hole."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.protection.compositing import erase, paste
from latent_rag_ros.protection.types import Box, Region


def ragged_region(bounds: Box) -> Region:
    mask = np.random.default_rng(1).random((bounds.height_px, bounds.width_px)) < 0.5
    return Region(1, bounds, mask, bounds)


def test_erased_picture_does_not_depend_on_what_was_inside_the_regions():
    random = np.random.default_rng(2)
    image = random.integers(0, 256, (60, 80, 3), np.uint8)
    regions = [ragged_region(Box(5, 5, 40, 50)), ragged_region(Box(30, 20, 80, 60))]
    canvas, covered = erase(image, regions, 7)
    other = image.copy()
    other[covered] = random.integers(0, 256, (covered.sum(), 3), np.uint8)
    assert (erase(other, regions, 7)[0] == canvas).all()
    assert (canvas[covered] == 7).all()
    assert (canvas[~covered] == image[~covered]).all()


def test_the_input_is_left_unchanged():
    image = np.full((20, 20, 3), 200, np.uint8)
    erase(image, [ragged_region(Box(0, 0, 20, 20))], 0)
    assert (image == 200).all()


def test_patch_fills_the_whole_region_and_nothing_else():
    canvas = np.zeros((60, 80, 3), np.uint8)
    region = ragged_region(Box(10, 10, 50, 55))
    paste(canvas, region, np.full((128, 64, 3), 200, np.uint8))
    drawn = np.zeros((60, 80), bool)
    drawn[region.bounds.slices] = region.mask
    assert (canvas[drawn] == 200).all()
    assert (canvas[~drawn] == 0).all()
