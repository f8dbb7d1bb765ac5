"""Who is covered with each preset of `protection.coverage`, and what that costs.

Only the finding and covering is measured: the method is `solid`, because what is drawn over a
region changes nothing about its size.
"""
from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from latent_rag_ros.evaluation.coverage import FRAME_RATE_HZ, CoverageCount
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.frames import LabelledFrame
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Frame, Outcome, ProtectedFrame

SECOND_MS = 1000.0


class PresetCount:
    """Cover and cost of one preset on one source of frames.

    Parameters
    ----------
    pipeline : ProtectionPipeline
        With the preset and the method `solid`.
    """

    def __init__(self, pipeline: ProtectionPipeline) -> None:
        self._pipeline, self._count = pipeline, CoverageCount()
        self._waiting: dict[int, LabelledFrame] = {}
        self._wall_s: list[float] = []
        self._cpu_s = 0.0

    def add(self, labelled: LabelledFrame, number: int) -> None:
        """Run the next frame, the `number`-th of its source, through the filter."""
        if labelled.starts_sequence:
            self.finish()
            self._pipeline.reset()
        frame = Frame(labelled.image, time.monotonic(), number / FRAME_RATE_HZ)
        self._waiting[id(frame)] = labelled
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        finished = self._pipeline.process(frame)
        self._wall_s.append(time.perf_counter() - wall_s)
        self._cpu_s += time.process_time() - cpu_s
        self._add_finished(finished)

    def finish(self) -> None:
        """Count the frames that are held back: the sequence ends here."""
        self._add_finished(self._pipeline.flush())

    def _add_finished(self, finished: list[tuple[Frame, ProtectedFrame]]) -> None:
        for frame, protected in finished:
            labelled = self._waiting.pop(id(frame))
            self._count.add_outcome(protected)
            if protected.outcome == Outcome.BLANKED:
                continue
            self._count.counts['pixels'] += protected.covered.size
            self._count.counts['covered_px'] += int(protected.covered.sum())
            if labelled.labels is not None:
                self._count.add_cover(labelled.labels, protected.covered)

    def figures(self) -> Figures:
        """Return shares of person pixels and person frames, both 0..1, and ms per frame.

        `ms` is the median on the wall clock, `cpu_ms` the mean of the time that processors worked,
        which other programs on the machine change less.
        """
        counts = self._count.counts
        persons, frames = max(counts['person_frames'], 1), max(counts['frames'], 1)
        return {
            'uncovered_pixel_share': round(counts['uncovered_px'] / max(counts['person_px'], 1),
                                           6),
            'person_frames_below_99pct': round(counts['person_frames_below_99'] / persons, 6),
            'ms': round(SECOND_MS * float(np.median(self._wall_s)), 1) if self._wall_s else 0.0,
            'cpu_ms': round(SECOND_MS * self._cpu_s / frames, 1),
            'frames': int(counts['frames']), 'frames_blanked': int(counts['frames_blanked']),
            'person_frames': int(counts['person_frames']),
            'person_frames_below_99pct_count': int(counts['person_frames_below_99']),
            'lowest_cover': round(self._count.lowest_cover, 4),
            'covered_share': round(counts['covered_px'] / max(counts['pixels'], 1), 6)}


def measure_preset(frames: Iterable[LabelledFrame], pipeline: ProtectionPipeline) -> Figures:
    """Run frames, in the order of the camera, through a pipeline; return `PresetCount.figures`."""
    pipeline.reset()
    count = PresetCount(pipeline)
    for number, labelled in enumerate(frames):
        count.add(labelled, number)
    count.finish()
    return count.figures()
