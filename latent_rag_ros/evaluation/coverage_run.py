"""One coverage evaluation: which frames, which pipelines, and the results with their origin."""
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from latent_rag_ros.evaluation.coverage import measure_coverage
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.frames import (
    LabelledFrame, held_out_frames, shipped_clip, video_frames)
from latent_rag_ros.evaluation.results_file import versions, weights_hashes
from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.protection.pipeline import ProtectionPipeline

DEADLINE_S = 60.0
"""Longest allowed, so that the figures do not depend on how fast this machine is."""


@dataclass(frozen=True)
class CoverageOptions:
    """What to measure.

    Parameters
    ----------
    video : Path or None
        Any video; None takes the shipped clip and frames, which have exact person masks.
    frames_max : int or None
        Stop after this many frames of each.
    repetitions : int
        Further runs with noise in the low bits of the input.
    method : str
        `latent_rag` or `solid`, as the parameter `protection.method`.
    weights : Path or None
        Folder with the weights; None takes the shipped ones.
    device : str
        As the parameter `device`.
    """

    video: Path | None = None
    frames_max: int | None = None
    repetitions: int = 2
    method: str = 'latent_rag'
    weights: Path | None = None
    device: str = 'cpu'

    @property
    def command(self) -> str:
        """The command line that repeats this evaluation; a video is named without its folder."""
        words = [f'latent-rag evaluate coverage --repetitions {self.repetitions}']
        words += [f'--video {self.video.name}'] if self.video else []
        words += [f'--frames-max {self.frames_max}'] if self.frames_max else []
        words += [f'--method {self.method}'] if self.method != 'latent_rag' else []
        return ' '.join(words)


def coverage_results(options: CoverageOptions, show_progress: bool = True) -> Figures:
    """Run the evaluation and return `about` and the figures of every source, ready for JSON.

    The sources are `clip` and `frames`, or `video`.

    Raises
    ------
    WeightsError, ParameterError, EvaluationError
        Weights or frames are missing or damaged, or an option is out of range.
    """
    started_s = time.monotonic()
    values = checked_values(PROTECTOR, {
        'device': options.device, 'protection.method': options.method,
        'weights.directory': str(options.weights or ''), 'guard.deadline_s': DEADLINE_S,
        'identity.publish': False})
    pipelines = [ProtectionPipeline.from_values(values) for _ in range(options.repetitions + 1)]
    figures = {}
    for name, frames in _sources(options).items():
        for pipeline in pipelines:
            pipeline.reset()
        bar = tqdm(islice(frames, options.frames_max), desc=name, unit='frame',
                   disable=not show_progress)
        figures[name] = measure_coverage(bar, pipelines)
    about = {'command': options.command, 'method': options.method, 'device': options.device,
             'repetitions': options.repetitions,
             'seconds': round(time.monotonic() - started_s, 1), 'versions': versions(),
             'weights_sha256': weights_hashes(options.weights)}
    return {'about': about} | figures


def _sources(options: CoverageOptions) -> dict[str, Iterator[LabelledFrame]]:
    if options.video is not None:
        return {'video': video_frames(options.video)}
    return {'clip': shipped_clip(), 'frames': held_out_frames()}
