"""One coverage evaluation: which frames, which pipelines, and the results with their origin.

Two questions: does every preset of `protection.coverage` cover the people, at what cost; and does
any input pixel survive where the default preset covers, under the method in use.
"""
from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from latent_rag_ros.coverage_presets import COVERAGE_PRESETS
from latent_rag_ros.evaluation.coverage import measure_coverage
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.frames import (
    LabelledFrame, held_out_frames, shipped_clip, video_frames)
from latent_rag_ros.evaluation.preset_coverage import measure_preset
from latent_rag_ros.evaluation.results_file import versions, weights_hashes
from latent_rag_ros.evaluation.vtest import find_vtest, read_tracks
from latent_rag_ros.evaluation.vtest_frames import vtest_frames
from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.protection.pipeline import ProtectionPipeline

DEADLINE_S = 60.0
"""Longest allowed, so that the figures do not depend on how fast this machine is."""

LEAKAGE_FRAMES_MAX = 40
"""Frames per source for the check of every pixel, which runs several pipelines at once."""


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
    presets : tuple of str
        Presets of `protection.coverage` to measure; none of them leaves only the leakage.
    vtest : Path or None
        `vtest.avi`; None takes Debian's copy, and leaves the source out where that is missing.
    """

    video: Path | None = None
    frames_max: int | None = None
    repetitions: int = 2
    method: str = 'latent_rag'
    weights: Path | None = None
    device: str = 'cpu'
    presets: tuple[str, ...] = tuple(COVERAGE_PRESETS)
    vtest: Path | None = None

    @property
    def command(self) -> str:
        """The command line that repeats this evaluation; a video is named without its folder."""
        words = [f'latent-rag evaluate coverage --repetitions {self.repetitions}']
        words += [f'--video {self.video.name}'] if self.video else []
        words += [f'--frames-max {self.frames_max}'] if self.frames_max else []
        words += [f'--method {self.method}'] if self.method != 'latent_rag' else []
        if self.presets != tuple(COVERAGE_PRESETS):
            words += [f'--coverage {preset}' for preset in self.presets]
        return ' '.join(words)


def coverage_results(options: CoverageOptions, show_progress: bool = True) -> Figures:
    """Run the evaluation and return its results, ready for JSON.

    They are `about`; per preset and source (`rendered_clip`, `rendered_frames`, `vtest`, or
    `video`) the figures of `measure_preset`; and, as `leakage`, per source those of
    `measure_coverage` with the default preset.

    Raises
    ------
    WeightsError, ParameterError, EvaluationError
        Weights or frames are missing or damaged, or an option is out of range.
    """
    started_s = time.monotonic()
    figures: Figures = {preset: _preset_figures(options, preset, show_progress)
                        for preset in options.presets}
    figures['leakage'] = _leakage(options, show_progress)
    about = {'command': options.command, 'method': options.method, 'device': options.device,
             'repetitions': options.repetitions,
             'seconds': round(time.monotonic() - started_s, 1), 'versions': versions(),
             'weights_sha256': weights_hashes(options.weights)}
    return {'about': about} | figures


def _pipeline(options: CoverageOptions, **given: str) -> ProtectionPipeline:
    return ProtectionPipeline.from_values(checked_values(PROTECTOR, {
        'device': options.device, 'weights.directory': str(options.weights or ''),
        'guard.deadline_s': DEADLINE_S, 'identity.publish': False,
        **{name.replace('__', '.'): value for name, value in given.items()}}))


def _preset_figures(options: CoverageOptions, preset: str, show_progress: bool) -> Figures:
    pipeline = _pipeline(options, protection__coverage=preset, protection__method='solid')
    return {name: measure_preset(_shown(frames, options, f'{preset}, {name}', show_progress),
                                 pipeline)
            for name, frames in _sources(options).items()}


def _leakage(options: CoverageOptions, show_progress: bool) -> Figures:
    pipelines = [_pipeline(options, protection__method=options.method)
                 for _ in range(options.repetitions + 1)]
    figures = {}
    for name, frames in _sources(options).items():
        if name == 'vtest':
            continue
        for pipeline in pipelines:
            pipeline.reset()
        shown = _shown(frames, options, f'leakage, {name}', show_progress)
        figures[name] = measure_coverage(islice(shown, LEAKAGE_FRAMES_MAX), pipelines)
    return figures


def _shown(frames: Iterator[LabelledFrame], options: CoverageOptions, text: str,
           show_progress: bool) -> Iterator[LabelledFrame]:
    return iter(tqdm(islice(frames, options.frames_max), desc=text, unit='frame',
                     disable=not show_progress))


def _sources(options: CoverageOptions) -> dict[str, Iterator[LabelledFrame]]:
    if options.video is not None:
        return {'video': video_frames(options.video)}
    sources = {'rendered_clip': shipped_clip(), 'rendered_frames': held_out_frames()}
    vtest = find_vtest(options.vtest)
    if vtest is not None:
        sources['vtest'] = vtest_frames(vtest, read_tracks())
    return sources
