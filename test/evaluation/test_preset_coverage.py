"""Cover and cost of a preset are counted on the frames they belong to."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.frames import LabelledFrame
from latent_rag_ros.evaluation.preset_coverage import measure_preset
from latent_rag_ros.evaluation.vtest import Track
from latent_rag_ros.evaluation.vtest_frames import cores, vtest_frames
from latent_rag_ros.protection.types import Box, Outcome, ProtectedFrame, Reason

SIZE = (40, 60)


def write_video(path, images) -> None:
    """Write images, RGB, as a video that OpenCV reads everywhere."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, SIZE[::-1])
    for image in images:
        writer.write(image[:, :, ::-1])
    writer.release()


class Delayed:
    """Covers what is white in a frame, `delay` frames late, as a pipeline with look-ahead does."""

    def __init__(self, delay: int, blanks: int = 0) -> None:
        self.delay, self.blanks, self.waiting, self.resets = delay, blanks, [], 0

    def process(self, frame):
        self.waiting.append(frame)
        return self._finish(self.delay)

    def flush(self):
        return self._finish(0)

    def reset(self) -> None:
        assert not self.waiting, 'frames of the sequence before were lost'
        self.resets += 1

    def _finish(self, kept):
        done = [self.waiting.pop(0) for _ in range(max(0, len(self.waiting) - kept))]
        return [(frame, self._protected(frame.image)) for frame in done]

    def _protected(self, image):
        outcome = Outcome.BLANKED if self.blanks > 0 else Outcome.PROTECTED
        self.blanks -= 1
        return ProtectedFrame(image, outcome, Reason.NONE, (), image[:, :, 0] == 255)


def labelled(number: int, uncovered_px: int = 0, starts: bool = False) -> LabelledFrame:
    """Return a frame whose person stands at `number`, white but for some pixels."""
    labels, image = np.zeros(SIZE, np.uint8), np.zeros((*SIZE, 3), np.uint8)
    labels[10:30, number:number + 10] = 1
    image[labels > 0] = 255
    image[10, number:number + uncovered_px] = 0
    return LabelledFrame(image, labels, starts)


@pytest.mark.parametrize('delay', [0, 2])
def test_cover_belongs_to_its_frame_however_late_it_is_finished(delay: int) -> None:
    frames = [labelled(number, uncovered_px=3 if number == 4 else 0) for number in range(6)]
    figures = measure_preset(frames, Delayed(delay))
    assert figures['person_frames'] == figures['frames'] == 6
    assert figures['person_frames_below_99pct'] == pytest.approx(1 / 6, abs=1e-6)
    assert figures['uncovered_pixel_share'] == pytest.approx(3 / 1200, abs=1e-6)
    assert figures['lowest_cover'] == pytest.approx(0.985)
    assert figures['cpu_ms'] >= 0 and figures['ms'] >= 0


def test_sequence_is_finished_before_the_next_one_starts() -> None:
    pipeline = Delayed(3)
    figures = measure_preset([labelled(number, starts=True) for number in range(4)], pipeline)
    assert pipeline.resets == 5
    assert figures['frames'] == 4


def test_blanked_frames_do_not_improve_the_figures() -> None:
    figures = measure_preset([labelled(0, 5), labelled(1, 5)], Delayed(0, blanks=1))
    assert figures['frames_blanked'] == 1
    assert figures['person_frames'] == 1


def test_core_of_a_label_is_its_middle() -> None:
    labels = cores([(3, Box(10, 5, 30, 35))], *SIZE)
    rows, columns = np.nonzero(labels == 3)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (8, 32, 15, 25)


def test_nearer_person_is_drawn_over_the_other() -> None:
    near, far = Box(10, 10, 30, 40), Box(10, 5, 30, 35)
    assert cores([(1, near), (2, far)], *SIZE)[20, 20] == 1


def test_video_ends_with_the_last_label_and_unlabelled_frames_stay_bare(tmp_path) -> None:
    path = tmp_path / 'people.avi'
    write_video(path, [np.full((*SIZE, 3), 20 * number, np.uint8) for number in range(6)])
    tracks = [Track(1, 'red', {1: Box(2, 2, 12, 22), 3: Box(4, 2, 14, 22)})]
    frames = list(vtest_frames(path, tracks))
    assert [frame.labels is not None for frame in frames] == [False, True, False, True]


def test_video_too_small_for_the_labels_is_named(tmp_path) -> None:
    path = tmp_path / 'small.avi'
    write_video(path, [np.zeros((*SIZE, 3), np.uint8)])
    with pytest.raises(EvaluationError, match='small.avi'):
        list(vtest_frames(path, [Track(1, 'red', {0: Box(2, 2, 12, 220)})]))
