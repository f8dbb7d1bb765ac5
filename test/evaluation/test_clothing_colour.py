"""Colours of clothes on drawn people of known colours."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.evaluation.clothing_colour import (
    COLOURS, Clothing, Palette, chance, clothing_colours, clothing_lab, colour_difference)

RED, BLUE = (200, 30, 30), (30, 30, 200)
Colour = tuple[int, int, int]


def drawn(torso: Colour, legs: Colour) -> tuple[np.ndarray, np.ndarray]:
    """Return a person of two colours before white, and the mask."""
    image = np.full((128, 64, 3), 255, np.uint8)
    mask = np.zeros((128, 64), bool)
    mask[14:114, 20:44] = True
    image[14:64, 20:44], image[64:114, 20:44] = torso, legs
    return image, mask


def test_clothing_lab_reads_torso_and_legs_inside_the_mask():
    image, mask = drawn(RED, BLUE)
    lab = clothing_lab(image[np.newaxis], mask[np.newaxis])
    assert lab.torso[0][1] > 40, 'red has a positive a*'
    assert lab.legs[0][2] < -40, 'blue has a negative b*'


def test_clothing_lab_reads_the_middle_where_no_mask_is_known():
    image, mask = drawn(RED, BLUE)
    known = clothing_lab(image[np.newaxis], mask[np.newaxis])
    unknown = clothing_lab(image[np.newaxis], np.zeros((1, 128, 64), bool))
    np.testing.assert_allclose(unknown.torso, known.torso)
    np.testing.assert_allclose(unknown.legs, known.legs)


@pytest.mark.parametrize(('rgb', 'name'), [
    ((10, 10, 10), 'black'), ((128, 128, 128), 'grey'), ((250, 250, 250), 'white'),
    ((200, 20, 20), 'red'), ((140, 80, 30), 'orange or brown'), ((230, 220, 40), 'yellow'),
    ((30, 150, 40), 'green'), ((30, 60, 200), 'blue'), ((120, 30, 140), 'purple'),
    ((240, 120, 170), 'pink')])
def test_clothing_colours_name_basic_colours(rgb, name):
    image, mask = drawn(rgb, rgb)
    numbers = clothing_colours(image[np.newaxis], mask[np.newaxis])
    assert COLOURS[numbers.torso[0]] == COLOURS[numbers.legs[0]] == name


def test_palette_numbers_tell_far_colours_apart_and_near_ones_not():
    rng = np.random.default_rng(0)
    centres = np.array([[level, a, 0] for level in (10, 40, 70, 95) for a in (-40, 40)], float)
    lab = np.repeat(centres, 20, axis=0) + rng.normal(0, 1, (160, 3))
    numbers = Palette.of(Clothing(lab, lab)).numbers(Clothing(lab, lab)).torso.reshape(8, 20)
    assert (numbers == numbers[:, :1]).all()
    assert len(np.unique(numbers)) >= 7


def test_chance_is_right_where_the_most_common_colour_is():
    assert chance(np.array([1, 2, 2]), np.array([2, 1, 2, 0])).tolist() == [1, 0, 1, 0]


def test_colour_difference_is_zero_for_equal_colours_and_100_from_black_to_white():
    black, white = np.array([[0.0, 0, 0]]), np.array([[100.0, 0, 0]])
    assert colour_difference(black, black)[0] == 0
    assert colour_difference(black, white)[0] == pytest.approx(100, abs=0.1)
