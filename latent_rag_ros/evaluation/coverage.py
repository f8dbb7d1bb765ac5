"""Coverage: are all person pixels covered, and does any input pixel survive where they are.

Runs the real pipeline over frames. With `repetitions` > 0 the same frames go through as many
further pipelines in lockstep, each time with other noise in their low bits, see `pixel_leakage`.
"""
from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.frames import LabelledFrame
from latent_rag_ros.evaluation.pixel_leakage import (
    identical_blocks, surviving_pixels, transmission, with_noise)
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import (
    Frame, ImageArray, MaskArray, Outcome, ProtectedFrame)

COVER_MIN = 0.99
"""A person of a frame counts as covered from this share of the own pixels on."""

FRAME_RATE_HZ = 10.0
"""The camera's rate as the tracker sees it, however long the evaluation takes for a frame."""


@dataclass
class CoverageCount:
    """What was counted so far; every frame adds to it."""

    counts: Counter[str] = field(default_factory=Counter)
    fills: Counter[str] = field(default_factory=Counter)
    transmissions: list[float] = field(default_factory=list)
    lowest_cover: float = 1.0

    def add_outcome(self, protected: ProtectedFrame) -> None:
        """Count the frame's outcome and what covers its persons."""
        self.counts['frames'] += 1
        self.counts['frames_blanked'] += protected.outcome == Outcome.BLANKED
        for person in protected.persons:
            self.fills[person.fill.name.lower()] += 1
            if person.reason:
                self.fills[f'because_{person.reason.name.lower()}'] += 1

    def add_cover(self, labels: NDArray[np.uint8], covered: MaskArray) -> None:
        """Count the person pixels of one frame, labelled as in `LabelledFrame`, not covered."""
        for label in np.unique(labels[labels > 0]):
            person = labels == label
            person_px = int(person.sum())
            uncovered_px = int((person & ~covered).sum())
            cover = 1 - uncovered_px / person_px
            self.counts['person_frames'] += 1
            self.counts['person_frames_below_99'] += cover < COVER_MIN
            self.counts['person_px'] += person_px
            self.counts['uncovered_px'] += uncovered_px
            self.lowest_cover = min(self.lowest_cover, cover)

    def add_leakage(self, images: Sequence[ImageArray],
                    protected: Sequence[ProtectedFrame]) -> None:
        """Count input pixels in the covered region; first the raw frame, then the repetitions."""
        outputs = [frame.image for frame in protected]
        covered = [frame.covered for frame in protected]
        self.counts['pixels'] += covered[0].size
        self.counts['covered_px'] += int(covered[0].sum())
        self.counts['identical_blocks'] += identical_blocks(images[0], outputs[0], covered[0])
        changed = np.any(images[0] != outputs[0], axis=-1)
        self.counts['changed_outside_px'] += int((changed & ~covered[0]).sum())
        if len(images) > 1:
            survived, looked_at = surviving_pixels(images, outputs, covered)
            self.counts['surviving_px'] += survived
            self.counts['repeated_px'] += looked_at
        if len(images) > 2:
            both = covered[1] & covered[2]
            change, response = (pair[1].astype(np.int16) - pair[2] for pair in (images, outputs))
            self.transmissions.append(transmission(change, response, both))

    def figures(self, labelled: bool, repetitions: int) -> Figures:
        """Return the counts and their shares, ready for JSON."""
        counts = self.counts
        names = ['frames', 'frames_blanked', 'covered_px', 'identical_blocks',
                 'changed_outside_px']
        if labelled:
            names += ['person_frames', 'person_frames_below_99', 'person_px', 'uncovered_px']
        if repetitions:
            names += ['surviving_px', 'repeated_px']
        figures: Figures = {name: int(counts[name]) for name in names}
        figures['persons'] = dict(sorted(self.fills.items()))
        figures['covered_share'] = _share(counts['covered_px'], counts['pixels'])
        if labelled:
            figures['uncovered_share'] = _share(counts['uncovered_px'], counts['person_px'])
            figures['lowest_cover'] = round(self.lowest_cover, 4)
        if self.transmissions:
            figures['transmission'] = round(float(np.mean(self.transmissions)), 5)
        return figures


def measure_coverage(frames: Iterable[LabelledFrame], pipelines: Sequence[ProtectionPipeline],
                     seed: int = 0) -> Figures:
    """Run frames through the filter and return what was covered and what came through.

    Parameters
    ----------
    frames : iterable of LabelledFrame
        In the order of the camera. Coverage is counted on those with labels; blanked frames
        count as blanked only, so that blanking cannot improve the figures.
    pipelines : sequence of ProtectionPipeline
        The first sees the raw frames, every further one the same frames with other noise.
    seed : int
        Seed of the noise.

    Returns
    -------
    dict
        Counts in pixels, persons and frames. Where `identical_blocks` and `surviving_px` are 0,
        no input pixel survived; `transmission` is about 0 where none was blended in either.
    """
    rng = np.random.default_rng(seed)
    count, labelled = CoverageCount(), False
    for number, frame in enumerate(frames):
        if frame.starts_sequence:
            for pipeline in pipelines:
                pipeline.reset()
        images = [frame.image, *(with_noise(frame.image, rng) for _ in pipelines[1:])]
        protected = [pipeline.protect(Frame(image, time.monotonic(), number / FRAME_RATE_HZ))
                     for pipeline, image in zip(pipelines, images)]
        count.add_outcome(protected[0])
        if protected[0].outcome == Outcome.BLANKED:
            continue
        count.add_leakage(images, protected)
        if frame.labels is not None:
            labelled = True
            count.add_cover(frame.labels, protected[0].covered)
    return count.figures(labelled, len(pipelines) - 1)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
