"""Frames: boxes, masks and hidden shares agree with each other."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.synthesis.frame_renderer import RenderedFrame, render_frame


@pytest.fixture(scope='module')
def frames() -> list[RenderedFrame]:
    """Return eight frames of up to ten people."""
    return [render_frame(11, number, 10, 12) for number in range(8)]


def test_frames_hold_between_none_and_several_people(frames: list[RenderedFrame]) -> None:
    counts = [len(frame.instances) for frame in frames]
    assert min(counts) < 3 <= max(counts) <= 7
    for frame in frames:
        assert frame.image.shape == (480, 640, 3) and frame.image.dtype == np.uint8
        assert len({instance.identity for instance in frame.instances}) == len(frame.instances)


def test_visible_box_is_the_smallest_around_the_mask(frames: list[RenderedFrame]) -> None:
    for frame in frames:
        for place, instance in enumerate(frame.instances, 1):
            left, top, right, bottom = instance.visible_box
            rows, columns = np.nonzero(frame.owners == place)
            if not len(rows):
                assert not instance.visible_box.any() and instance.hidden_share == 1
                continue
            assert (left, top) == (columns.min(), rows.min())
            assert (right, bottom) == (columns.max() + 1, rows.max() + 1)


def test_full_box_contains_the_visible_one(frames: list[RenderedFrame]) -> None:
    seen = [instance for frame in frames for instance in frame.instances
            if instance.visible_box.any()]
    assert len(seen) > 5
    for instance in seen:
        assert (instance.full_box[:2] <= instance.visible_box[:2] + 1).all()
        assert (instance.full_box[2:] >= instance.visible_box[2:] - 1).all()


def test_hidden_share_is_0_when_nobody_is_in_front(frames: list[RenderedFrame]) -> None:
    shares = [instance.hidden_share for frame in frames for instance in frame.instances]
    assert all(0 <= share <= 1 for share in shares)
    assert sum(share < 0.01 for share in shares) > len(shares) / 3
    assert max(shares) > 0.05


def test_frame_is_the_same_when_it_is_rendered_again(frames: list[RenderedFrame]) -> None:
    again = render_frame(11, 3, 10, 12)
    np.testing.assert_array_equal(again.image, frames[3].image)
    np.testing.assert_array_equal(again.owners, frames[3].owners)
