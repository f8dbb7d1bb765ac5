"""A mask follows its box for a few frames, covers more then, and is made anew in time."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.perception.person_mask import square_around
from latent_rag_ros.protection.mask_memory import RENEWALS_MAX, MaskMemory
from latent_rag_ros.protection.types import Box, TrackedPerson

IMAGE = np.zeros((240, 320, 3), np.uint8)
BOX = Box(100, 60, 150, 160)


class HalfMasker:
    """The right half of the square belongs to the person."""

    def __init__(self) -> None:
        self.boxes: list[Box] = []

    def mask(self, image, box):
        self.boxes.append(box)
        window = square_around(box).clipped(*image.shape[:2])
        mask = np.zeros((window.height_px, window.width_px), bool)
        mask[:, window.width_px // 2:] = True
        return window, mask


@pytest.fixture
def masker() -> HalfMasker:
    return HalfMasker()


def next_mask(memory: MaskMemory, box: Box, track: int = 1, missed: int = 0,
              is_certain: bool = True):
    memory.begin_frame({track})
    person = TrackedPerson(track, box, 0.6, missed, is_certain=is_certain)
    return memory.of(person).mask(IMAGE, box)


def test_mask_moves_with_the_box_and_grows(masker):
    memory = MaskMemory(masker, 5)
    _, first = next_mask(memory, BOX)
    window, second = next_mask(memory, BOX.moved(20, 10))
    assert len(masker.boxes) == 1
    assert window == square_around(BOX.moved(20, 10))
    assert second.shape == first.shape and second.dtype == bool
    assert second[first].all()
    assert second.sum() > first.sum()


def test_mask_stays_where_it_was_too_when_the_box_shrinks(masker):
    memory = MaskMemory(masker, 5)
    window, mask = next_mask(memory, BOX)
    before = np.zeros(IMAGE.shape[:2], bool)
    before[window.slices] = mask
    window, mask = next_mask(memory, Box(105, 65, 145, 150))
    assert len(masker.boxes) == 1
    assert mask[before[window.slices]].all()


def test_nothing_is_mixed_up_when_the_box_jumps_away(masker):
    memory = MaskMemory(masker, 5)
    next_mask(memory, Box(40, 60, 90, 160))
    window, mask = next_mask(memory, Box(200, 60, 250, 160))
    assert mask.shape == (window.height_px, window.width_px)
    assert mask[:, window.width_px // 2 + 1:].all() and not mask[:, :window.width_px // 3].any()


def test_mask_is_enlarged_with_the_box(masker):
    memory = MaskMemory(masker, 5)
    next_mask(memory, BOX)
    nearer = Box(100, 60, 154, 168)
    window, mask = next_mask(memory, nearer)
    assert len(masker.boxes) == 1
    assert mask.shape == (window.height_px, window.width_px)
    assert mask[:, window.width_px // 2 + 1:].all()


def test_mask_is_made_anew_after_the_period(masker):
    memory = MaskMemory(masker, 3)
    for _ in range(7):
        next_mask(memory, BOX)
    assert len(masker.boxes) == 3


@pytest.mark.parametrize('box', [Box(100, 60, 165, 160), Box(100, 60, 165, 190)])
def test_mask_is_made_anew_when_the_box_changes_its_form(masker, box):
    memory = MaskMemory(masker, 5)
    next_mask(memory, BOX)
    next_mask(memory, box)
    assert masker.boxes == [BOX, box]


def test_mask_of_who_walks_in_is_made_anew_when_more_is_seen(masker):
    memory = MaskMemory(masker, 5)
    for right in (20, 23, 40):
        next_mask(memory, Box(0, 60, right, 160))
    assert masker.boxes == [Box(0, 60, 20, 160), Box(0, 60, 40, 160)]


def test_small_box_that_jitters_keeps_its_mask(masker):
    memory = MaskMemory(masker, 5)
    for right in (110, 114, 108):
        next_mask(memory, Box(100, 60, right, 90))
    assert len(masker.boxes) == 1


def test_remembered_mask_is_cut_at_the_border(masker):
    memory = MaskMemory(masker, 5)
    next_mask(memory, BOX)
    window, mask = next_mask(memory, Box(280, 60, 330, 160))
    assert len(masker.boxes) == 1
    assert window == window.clipped(240, 320)
    assert mask.shape == (window.height_px, window.width_px)


def test_nothing_is_kept_when_the_period_is_one_or_the_track_ended(masker):
    memory = MaskMemory(masker, 1)
    next_mask(memory, BOX)
    next_mask(memory, BOX)
    assert len(masker.boxes) == 2
    memory = MaskMemory(masker, 5)
    next_mask(memory, BOX, track=1)
    next_mask(memory, BOX, track=2)
    next_mask(memory, BOX, track=1)
    assert len(masker.boxes) == 5


def test_missed_person_keeps_the_mask_until_it_is_due_when_the_box_grows(masker):
    memory = MaskMemory(masker, 5)
    next_mask(memory, BOX)
    for missed in range(1, 5):
        next_mask(memory, BOX.grown(10 * missed), missed=missed)
    assert len(masker.boxes) == 1
    next_mask(memory, BOX.grown(50), missed=5)
    assert len(masker.boxes) == 2


def test_first_mask_of_who_never_was_certain_is_kept_and_grows_to_a_limit(masker):
    memory = MaskMemory(masker, 3)
    areas = [next_mask(memory, BOX, is_certain=False)[1].sum() for _ in range(20)]
    assert len(masker.boxes) == 1
    assert areas == sorted(areas) and areas[0] < areas[5] and areas[-1] == areas[-2]
    next_mask(memory, BOX)
    assert len(masker.boxes) == 2


def test_renewals_are_spread_when_everybody_changes_form(masker):
    memory = MaskMemory(masker, 5)
    boxes = {track: BOX.moved(30 * track, 0) for track in range(1, 6)}
    counts = []
    for frame in range(4):
        grown = {track: Box(box.left, box.top, box.right + 40 * (frame > 0), box.bottom)
                 for track, box in boxes.items()}
        before = len(masker.boxes)
        memory.begin_frame(set(boxes))
        for track, box in grown.items():
            memory.of(TrackedPerson(track, box, 0.6, 0)).mask(IMAGE, box)
        counts.append(len(masker.boxes) - before)
    assert counts == [5, RENEWALS_MAX, RENEWALS_MAX, 5 - 2 * RENEWALS_MAX]


def test_every_mask_is_made_in_every_frame_when_the_period_is_one(masker):
    memory = MaskMemory(masker, 1)
    for missed in range(3):
        next_mask(memory, BOX, missed=missed, is_certain=False)
    assert len(masker.boxes) == 3


def test_masks_that_are_prepared_side_by_side_are_those_made_one_by_one(masker):
    apart, together = MaskMemory(HalfMasker(), 4), MaskMemory(masker, 4)
    for frame in range(25):
        persons = [TrackedPerson(track, Box(20 * track, 40 + frame, 20 * track + 30 + 5 * (
            frame % 7 == track), 120 + frame), 0.6, 0) for track in range(frame % 3, 6)]
        for memory in (apart, together):
            memory.begin_frame({person.track_id for person in persons}, is_busy=frame % 2 == 0)
        together.prepare(IMAGE, persons)
        for person in persons:
            (box, mask), (prepared_box, prepared) = (
                memory.of(person).mask(IMAGE, person.covered) for memory in (apart, together))
            assert box == prepared_box
            np.testing.assert_array_equal(mask, prepared)
    assert sorted(map(str, masker.boxes)) == sorted(map(str, apart._masker.boxes))


def test_no_mask_is_prepared_for_who_is_outside_of_the_image(masker):
    memory = MaskMemory(masker, 4)
    memory.begin_frame({1, 2})
    memory.prepare(IMAGE, [TrackedPerson(1, BOX.moved(400, 0), 0.6, 0),
                           TrackedPerson(2, BOX, 0.6, 0)])
    assert masker.boxes == [BOX]
