"""Coverage of the real pipeline on the shipped clip, and leaks that the measure has to find."""
from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from latent_rag_ros.evaluation.coverage import CoverageCount, measure_coverage
from latent_rag_ros.evaluation.coverage_run import CoverageOptions, coverage_results
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.frames import (
    HELD_OUT_FRAMES_FILE, LabelledFrame, held_out_frames, shipped_clip, video_frames)
from latent_rag_ros.evaluation.tables import coverage_table
from latent_rag_ros.protection.types import Frame, Outcome, ProtectedFrame, Reason
from latent_rag_ros.weights.registry import sha256_of


class Painter:
    """Paints a fixed region in one colour; `leak` is the weight of the input in its middle."""

    def __init__(self, region: tuple[slice, slice], leak: float = 0.0) -> None:
        self.region, self.leak = region, leak

    def protect(self, frame: Frame) -> ProtectedFrame:
        covered = np.zeros(frame.image.shape[:2], bool)
        covered[self.region] = True
        image = frame.image.copy()
        image[covered] = 40
        middle = slice(100, 140), slice(100, 140)
        image[middle] = (self.leak * frame.image[middle].astype(float)
                         + (1 - self.leak) * image[middle]).round().astype(np.uint8)
        return ProtectedFrame(image, Outcome.PROTECTED, Reason.NONE, (), covered)


@pytest.fixture(scope='module')
def frames():
    return [frame for frame in islice(shipped_clip(), 20, 24)]


REGION = slice(80, 400), slice(60, 500)


def test_shipped_clip_has_a_mask_for_every_frame():
    clip = list(islice(shipped_clip(), 60))
    assert all(frame.labels is not None for frame in clip)
    assert max(frame.labels.max() for frame in clip) >= 2


def test_held_out_frames_have_a_mask_and_start_anew():
    frames = list(held_out_frames())
    assert len(frames) == 40
    assert sum(len(np.unique(frame.labels)) - 1 for frame in frames) == 102
    assert all(frame.starts_sequence for frame in frames)


def test_card_of_the_held_out_frames_names_their_hash():
    card = HELD_OUT_FRAMES_FILE.with_suffix('.md').read_text()
    assert sha256_of(HELD_OUT_FRAMES_FILE) in card


def test_held_out_frames_refuses_damaged_pictures(tmp_path):
    with np.load(HELD_OUT_FRAMES_FILE) as archive:
        arrays = dict(archive)
    arrays['png_bytes'] = np.zeros_like(arrays['png_bytes'])
    np.savez(tmp_path / 'frames.npz', **arrays)
    with pytest.raises(EvaluationError, match='frames.npz'):
        list(held_out_frames(tmp_path / 'frames.npz'))


def test_measure_resets_the_tracks_where_a_sequence_starts(frames):
    class Resets(Painter):
        count = 0

        def reset(self) -> None:
            self.count += 1

    painter = Resets(REGION)
    starts = [LabelledFrame(frame.image, None, index % 2 == 0)
              for index, frame in enumerate(frames)]
    measure_coverage(starts, [painter])
    assert painter.count == 2


def test_measure_finds_nothing_when_nothing_leaks(frames):
    figures = measure_coverage(frames, [Painter(REGION) for _ in range(3)])
    assert figures['identical_blocks'] == figures['surviving_px'] == 0
    assert figures['changed_outside_px'] == 0
    assert abs(figures['transmission']) < 0.01
    assert figures['repeated_px'] == figures['covered_px'] == 4 * 320 * 440


def test_measure_counts_copied_pixels(frames):
    figures = measure_coverage(frames, [Painter(REGION, leak=1.0) for _ in range(3)])
    assert figures['surviving_px'] >= 4 * 40 * 40
    assert figures['identical_blocks'] > 0


def test_measure_sees_blended_pixels(frames):
    figures = measure_coverage(frames, [Painter(REGION, leak=0.5) for _ in range(3)])
    assert figures['surviving_px'] < 4 * 5
    share = 40 * 40 / (320 * 440)
    assert figures['transmission'] == pytest.approx(0.5 * share, rel=0.3)


def test_cover_is_counted_per_person_and_frame():
    labels = np.zeros((20, 20), np.uint8)
    labels[2:12, 2:12], labels[14:18, 14:18] = 1, 5
    covered = np.zeros((20, 20), bool)
    covered[2:12, 2:11] = True
    covered[14:18, 14:18] = True
    count = CoverageCount()
    count.add_cover(labels, covered)
    assert count.counts['person_frames'] == 2
    assert count.counts['person_frames_below_99'] == 1
    assert count.counts['person_px'] == 116
    assert count.counts['uncovered_px'] == 10
    assert count.lowest_cover == pytest.approx(0.9)


def test_real_pipeline_covers_people_and_lets_no_covered_pixel_through():
    results = coverage_results(CoverageOptions(frames_max=5, method='solid', presets=('safe',)),
                               show_progress=False)
    for source in ('rendered_clip', 'rendered_frames'):
        leakage, cover = results['leakage'][source], results['safe'][source]
        assert leakage['frames'] == cover['frames'] == 5
        assert leakage['frames_blanked'] == cover['frames_blanked'] == 0
        assert leakage['identical_blocks'] == leakage['surviving_px'] == 0
        assert leakage['covered_px'] > 0 and leakage['covered_px'] > leakage['person_px'] > 0
        assert cover['uncovered_pixel_share'] < 0.05
        assert cover['person_frames'] == leakage['person_frames']
    tables = coverage_table(results).split('\n\n')
    rows = [[line for line in table.splitlines() if line.startswith('|')] for table in tables]
    assert [len(table) >= 4 for table in rows if table] == [True, True]
    for table in rows:
        assert len({row.count('|') for row in table}) <= 1


def test_video_frames_names_a_file_that_is_no_video(tmp_path):
    path = tmp_path / 'text.mp4'
    path.write_text('no video')
    with pytest.raises(EvaluationError, match='text.mp4'):
        list(video_frames(path))


def test_labelled_frame_needs_no_labels(frames):
    bare = [LabelledFrame(frame.image) for frame in frames]
    figures = measure_coverage(bare, [Painter(REGION)])
    assert 'uncovered_share' not in figures
    assert figures['covered_share'] == pytest.approx(320 * 440 / (480 * 640), abs=1e-6)
