"""The mask covers the person, has the size of its window, and may touch or leave the image."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.perception.person_mask import PersonMasker
from latent_rag_ros.protection.types import Box, ImageArray

People = list[tuple[ImageArray, list[list[int]]]]


def test_person_fills_the_mask_and_ground_does_not(masker: PersonMasker, people: People) -> None:
    image, boxes = people[0]
    box = Box(*boxes[0])
    window, mask = masker.mask(image, box)
    inside = np.zeros(image.shape[:2], bool)
    inside[window.slices] = mask
    assert inside[box.slices].mean() > 0.35
    inside[box.slices] = False
    assert inside[window.slices].mean() < 0.15


def test_window_is_the_square_of_1_2_box_heights(masker: PersonMasker, people: People) -> None:
    window, mask = masker.mask(people[0][0], Box(300, 200, 340, 300))
    assert window == Box(260, 190, 380, 310)
    assert mask.shape == (120, 120)
    assert mask.dtype == np.bool_


@pytest.mark.parametrize('box', [
    Box(-30, 100, 20, 300), Box(600, 400, 700, 520), Box(-500, -500, 1200, 1200),
    Box(639, 479, 640, 480)])
def test_window_stays_inside_when_the_box_leaves_the_image(
        masker: PersonMasker, people: People, box: Box) -> None:
    window, mask = masker.mask(people[0][0], box)
    assert window == window.clipped(480, 640)
    assert mask.shape == (window.height_px, window.width_px)
    assert mask.size > 0


@pytest.mark.parametrize('box', [Box(2000, 0, 2100, 100), Box(50, 50, 50, 50)])
def test_mask_is_empty_when_no_pixel_is_asked_for(
        masker: PersonMasker, people: People, box: Box) -> None:
    window, mask = masker.mask(people[0][0], box)
    assert mask.size == 0
    assert mask.shape == (window.height_px, window.width_px)


def test_same_mask_comes_back_when_the_scene_is_at_the_border(
        masker: PersonMasker, people: People) -> None:
    image, boxes = people[0]
    box = Box(*boxes[0])
    cut = image[:, box.left:]
    window, mask = masker.mask(cut, Box(0, box.top, box.width_px, box.bottom))
    assert window.left == 0
    assert mask[:, :box.width_px].mean() > 0.3


def test_image_is_refused_when_not_rgb(masker: PersonMasker) -> None:
    with pytest.raises(ValueError, match='RGB uint8'):
        masker.mask(np.zeros((10, 10), np.uint8), Box(0, 0, 5, 5))
