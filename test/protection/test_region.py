"""The region of a person covers box, mask and margin, at the border of the image too."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.protection.region import region_of
from latent_rag_ros.protection.types import Box, TrackedPerson

IMAGE = np.zeros((240, 320, 3), np.uint8)


class KnownMask:
    """A masker that says where persons are, as the test wants it."""

    def __init__(self, window: Box) -> None:
        self.window = window

    def mask(self, image, box):
        return self.window, np.ones((self.window.height_px, self.window.width_px), bool)


def covered(region) -> np.ndarray:
    """Return the region as a mask of the whole image."""
    mask = np.zeros(IMAGE.shape[:2], bool)
    mask[region.bounds.slices] = region.mask
    return mask


def person(box: Box) -> TrackedPerson:
    return TrackedPerson(1, box, 0.9, 0)


def test_region_is_the_box_grown_by_the_margin_without_a_mask():
    region = region_of(IMAGE, person(Box(100, 50, 140, 150)), None, 0.06)
    assert region.bounds == Box(94, 44, 146, 156)
    assert region.mask.all()
    assert region.crop_box == Box(100, 50, 140, 150)


def test_region_unites_box_and_mask_when_an_arm_leaves_the_box():
    arm = Box(140, 80, 155, 90)
    region = region_of(IMAGE, person(Box(100, 50, 140, 150)), KnownMask(arm), 0.06)
    mask = covered(region)
    assert mask[44:156, 94:146].all()
    assert mask[arm.slices].all()
    assert not mask[120:, 150:].any()


def test_mask_far_from_the_box_belongs_to_somebody_else():
    masker = KnownMask(Box(200, 50, 240, 150))
    region = region_of(IMAGE, person(Box(100, 50, 140, 150)), masker, .06)
    assert not covered(region)[:, 180:].any()


def test_region_reaches_the_last_row_and_column_when_a_person_leaves_the_image():
    region = region_of(IMAGE, person(Box(300, 200, 340, 300)), None, 0.06)
    assert region.bounds == Box(294, 194, 320, 240)
    assert covered(region)[-1, -1]


def test_person_outside_the_image_has_no_region():
    assert region_of(IMAGE, person(Box(330, 10, 350, 60)), None, 0.06) is None


def test_tiny_person_gets_at_least_one_pixel_of_margin():
    region = region_of(IMAGE, person(Box(10, 10, 13, 16)), None, 0.0)
    assert region.bounds == Box(9, 9, 14, 17)


def test_region_goes_on_to_the_border_when_a_person_is_close_to_it():
    region = region_of(IMAGE, person(Box(20, 12, 60, 112)), None, 0.06)
    assert region.bounds.left > 6  # 14 px from the border are not close
    region = region_of(IMAGE, person(Box(10, 10, 50, 110)), None, 0.06)
    assert (region.bounds.left, region.bounds.top) == (0, 0)
    region = region_of(IMAGE, person(Box(270, 130, 310, 230)), None, 0.06)
    assert (region.bounds.right, region.bounds.bottom) == (320, 240)


def test_extent_is_covered_and_the_crop_stays_the_box():
    tracked = TrackedPerson(1, Box(100, 50, 140, 150), 0.9, 0, Box(80, 40, 150, 170))
    region = region_of(IMAGE, tracked, KnownMask(Box(95, 60, 150, 140)), 0.06)
    assert covered(region)[34:176, 74:156].all()
    assert region.crop_box == Box(100, 50, 140, 150)


def test_margin_and_mask_follow_the_extent_when_the_best_box_is_a_part_of_the_person():
    class Recorder(KnownMask):
        def mask(self, image, box):
            self.looked_at = box
            return super().mask(image, box)

    masker, extent = Recorder(Box(95, 60, 150, 140)), Box(90, 20, 150, 220)
    region = region_of(IMAGE, TrackedPerson(1, Box(100, 30, 140, 80), 0.9, 0, extent), masker, .06)
    assert masker.looked_at == extent
    assert covered(region)[8:232, 78:162].all()  # 6 % of 200 px on every side
