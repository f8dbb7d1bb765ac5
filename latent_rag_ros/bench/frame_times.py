"""How long a pipeline in this process takes for frames, stage by stage."""
from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from latent_rag_ros.bench.figures import distribution
from latent_rag_ros.bench.patience import Patience
from latent_rag_ros.bench.scene import CAMERA_HZ, LOOP_FRAMES, Stage
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Fill, Frame, Outcome

FRAME_STAGES = ('detect', 'track', 'mask', 'erase', 'composite', 'look_ahead')
"""Stages that find and cover people; all others are the way from a crop to a verified patch."""

WARM_UP_FRAMES, FIRST_SEEN_WARM_UP_FRAMES = 4, 2
FOLLOWED_FRAMES_MIN = 30
"""A second of the camera: work that is due every few frames has its share of the mean."""

SECOND_MS = 1000.0


@dataclass(frozen=True)
class FrameTime:
    """One measured frame.

    Parameters
    ----------
    total_ms : float
        Wall time of the whole frame, without transport.
    stages_ms : Mapping
        Wall time by stage.
    people, identities, synthetic : int
        People covered, those with an identity feature, those replaced by a synthetic patch.
    """

    total_ms: float
    stages_ms: Mapping[str, float]
    people: int
    identities: int
    synthetic: int

    @property
    def replacement_ms(self) -> float:
        """Time from the crops to the verified patches: embed, retrieve, ..., verify."""
        return sum(taken_ms for stage, taken_ms in self.stages_ms.items()
                   if stage not in FRAME_STAGES)


def frame_times(pipeline: ProtectionPipeline, stage: Stage, patience: Patience,
                first_seen: bool) -> list[FrameTime]:
    """Protect the frames of a scene one after the other and return what each took.

    Parameters
    ----------
    pipeline : ProtectionPipeline
        Is reset first.
    stage : Stage
        Draws the frames; drawing is not measured.
    patience : Patience
        How long to measure, after a few frames more; people who are followed for
        `FOLLOWED_FRAMES_MIN` frames at least.
    first_seen : bool
        Forget everybody before every frame, so that all people are new; else they are followed
        as at 30 frames per second.
    """
    pipeline.reset()
    times: list[FrameTime] = []
    warm_up = FIRST_SEEN_WARM_UP_FRAMES if first_seen else WARM_UP_FRAMES
    least = patience.frames_min if first_seen else max(patience.frames_min, FOLLOWED_FRAMES_MIN)
    began_s = time.monotonic()
    for number in range(warm_up + patience.frames_max):
        measured = number >= warm_up
        if measured and len(times) >= least and time.monotonic() - began_s > patience.seconds:
            break
        if first_seen:
            pipeline.reset()
        taken = _timed(pipeline, stage, number)
        if measured:
            times.append(taken)
        else:
            began_s = time.monotonic()
    return times


def _timed(pipeline: ProtectionPipeline, stage: Stage, number: int) -> FrameTime:
    image = stage.frame(number % LOOP_FRAMES)
    began_s = time.perf_counter()
    frame = pipeline.protect(Frame(image, time.monotonic(), number / CAMERA_HZ))
    total_ms = SECOND_MS * (time.perf_counter() - began_s)
    if frame.outcome != Outcome.PROTECTED:
        raise RuntimeError(f'frame {number} was blanked, not protected: {frame.message}')
    return FrameTime(
        total_ms, {name: SECOND_MS * taken for name, taken in frame.latency_s.items()},
        len(frame.persons), sum(person.feature is not None for person in frame.persons),
        sum(person.fill == Fill.SYNTHETIC for person in frame.persons))


def stage_figures(times: Sequence[FrameTime]) -> dict[str, Any]:
    """Return the figures of frames: `frame_ms`, `stages_ms` by stage, and who was in them."""
    names = dict.fromkeys(name for taken in times for name in taken.stages_ms)
    return {
        'frame_ms': distribution([taken.total_ms for taken in times]),
        'stages_ms': {name: distribution([taken.stages_ms.get(name, 0.0) for taken in times])
                      for name in names},
        **people_figures(times),
    }


def people_figures(times: Sequence[FrameTime]) -> dict[str, Any]:
    """Return how many people a frame had: covered, with a feature, with a synthetic patch."""
    names = ('people', 'identities', 'synthetic')
    means = np.mean([[getattr(taken, name) for name in names] for taken in times], axis=0)
    return {f'{name}_per_frame': round(float(mean), 2) for name, mean in zip(names, means)}
