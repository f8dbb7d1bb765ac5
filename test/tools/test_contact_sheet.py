"""The contact sheet: which moments it shows, and that it never shows people who are hidden."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from latent_rag_ros.protection.types import Box
from latent_rag_ros.tools.contact_sheet import (
    HIDDEN_LEVEL, MomentKeeper, contact_sheet, hidden, moment, write_png)

MARKER = (255, 0, 255)
PERSON = Box(200, 100, 300, 400)


def street(person: tuple[int, int, int]) -> np.ndarray:
    """Return a green street, RGB (480, 640, 3), with one person of a colour."""
    image = np.full((480, 640, 3), (40, 120, 40), np.uint8)
    image[PERSON.slices] = person
    return image


def marked(image: np.ndarray) -> np.ndarray:
    """Return where an RGB image is as purple as the marker, scaling allowed for."""
    red, green, blue = np.moveaxis(image.astype(int), 2, 0)
    return (red - green > 60) & (blue - green > 60)


def test_person_of_a_foreign_video_is_not_on_the_sheet(tmp_path):
    # Even when the filter published the person unprotected the left side stays solid.
    leaking = moment(0.0, street(MARKER), [PERSON], raw=None)
    path = tmp_path / 'sheet.png'
    write_png(path, contact_sheet([leaking], 'people hidden, not stored', 'after'))
    sheet = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    left, right = np.array_split(sheet[:, :sheet.shape[1] // 2], 2, axis=1)
    assert marked(right).any()
    assert not marked(left).any()
    assert (left == HIDDEN_LEVEL).all(axis=2).any()


def test_raw_frame_is_on_the_left_when_it_may_be_shown():
    shown = moment(0.0, street((0, 0, 0)), [PERSON], raw=street(MARKER))
    assert marked(shown.before).any() and not marked(shown.after).any()


@pytest.mark.parametrize('box', [Box(-50, -50, 20, 20), Box(600, 400, 900, 900),
                                 Box(700, 10, 800, 20)])
def test_hidden_clips_boxes_to_the_image(box):
    image = street(MARKER)
    result = hidden(image, [box])
    clipped = box.clipped(480, 640)
    assert (result[clipped.slices] == HIDDEN_LEVEL).all()
    assert (result != image).any(axis=2).sum() <= clipped.width_px * clipped.height_px
    assert marked(image).any(), 'the input must stay as it was'


def fill(keeper: MomentKeeper, count: int) -> None:
    """Offer `count` moments, one a second; the box grows with every second within ten."""
    for second in range(count):
        if keeper.wants_next():
            box = Box(0, 0, 10 + second % 10, 10)
            keeper.keep(moment(float(second), street(MARKER), [box], None))


def test_best_moments_spread_over_a_long_recording():
    keeper = MomentKeeper(capacity=36)
    fill(keeper, 1000)
    seconds = [one.stamp_s for one in keeper.best(6)]
    assert len(seconds) == 6 and seconds == sorted(seconds)
    assert seconds[0] < 200 and seconds[-1] > 800
    assert max(np.diff(seconds)) < 350


def test_best_moments_of_a_short_recording_are_all_there_are():
    keeper = MomentKeeper()
    fill(keeper, 3)
    assert [one.stamp_s for one in keeper.best(6)] == [0.0, 1.0, 2.0]
    assert MomentKeeper().best(6) == []


def test_best_takes_the_fullest_moment_of_a_stretch():
    keeper = MomentKeeper()
    fill(keeper, 30)
    assert [one.stamp_s for one in keeper.best(3)] == [9.0, 19.0, 29.0]


def test_sheet_pads_an_odd_number_of_moments():
    one = moment(0.0, street(MARKER), [PERSON], None)
    two, three = contact_sheet([one] * 2, 'a', 'b'), contact_sheet([one] * 3, 'a', 'b')
    assert three.shape == (2 * two.shape[0], two.shape[1], 3)
