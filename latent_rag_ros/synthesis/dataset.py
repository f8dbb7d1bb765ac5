"""Whole data sets on disk: shards of crops, frames and faces, rendered in parallel, resumable.

A shard is one file and depends only on the seed and on its number, so neither the number of
processes nor an interruption changes a byte of what is in it.
"""
from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .arrays import crop_arrays, frame_arrays
from .face_arrays import face_arrays
from .settings import Settings, SynthesisError

PEOPLE_PER_SHARD, FRAMES_PER_SHARD, HEADS_PER_SHARD = 10, 20, 20
SETTINGS_FILE = 'synthesis.json'
FORMAT_VERSION = 1
"""Counts up whenever the same seed gives other pixels."""


@dataclass(frozen=True)
class Shard:
    """One file of a data set: its path, what renders it, the first number and how many."""

    path: Path
    render: Callable[[Settings, int, int], dict[str, NDArray]]
    first: int
    count: int


def render_dataset(settings: Settings, directory: Path, workers: int) -> int:
    """Render what is missing of a data set and return the number of shards rendered.

    `directory` gets `crops/crops_*.npz`, `frames/frames_*.npz`, `faces/faces_*.npz` and the
    settings. Raises SynthesisError when it already holds a data set of other settings.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _claim(settings, directory)
    missing = [shard for shard in shards(settings, directory) if not shard.path.exists()]
    for folder in {shard.path.parent for shard in missing}:
        folder.mkdir(exist_ok=True)
    with tqdm(total=len(missing), unit='shard', desc=f'rendering into {directory}') as progress:
        for _ in _rendered(settings, missing, workers):
            progress.update()
    return len(missing)


def shards(settings: Settings, directory: Path) -> list[Shard]:
    """Return all shards of a data set."""
    kinds = [('crops', crop_arrays, settings.people if settings.crops else 0, PEOPLE_PER_SHARD),
             ('frames', frame_arrays, settings.frames, FRAMES_PER_SHARD),
             ('faces', face_arrays, settings.people if settings.faces else 0, HEADS_PER_SHARD)]
    return [Shard(directory / name / f'{name}_{first:06d}.npz', render, first,
                  min(size, total - first))
            for name, render, total, size in kinds for first in range(0, total, size)]


def content_hash(directory: Path) -> str:
    """Return the sha256 of all arrays of a data set: equal for equal settings."""
    total = hashlib.sha256()
    for path in sorted(directory.glob('*/*.npz')):
        with np.load(path) as arrays:
            for name in sorted(arrays.files):
                total.update(f'{path.name} {name}'.encode())
                total.update(np.ascontiguousarray(arrays[name]))
    return total.hexdigest()


def _claim(settings: Settings, directory: Path) -> None:
    """Write the settings, or check that they are those of the shards that are there."""
    path = directory / SETTINGS_FILE
    mine = {'format': FORMAT_VERSION, **asdict(settings)}
    for name, absent in (('faces', 0), ('counterparts', 1)):
        if mine[name] == absent:  # data sets from before there was such a thing lack the entry
            del mine[name]
    if path.exists():
        there = json.loads(path.read_text(encoding='utf-8'))
        if there != mine:
            raise SynthesisError(f'{path} is of another data set ({there}, asked for {mine}); '
                                 'take another folder')
        return
    temporary = path.with_suffix('.temporary')
    temporary.write_text(json.dumps(mine, indent=2) + '\n', encoding='utf-8')
    os.replace(temporary, path)


def _rendered(settings: Settings, missing: list[Shard], workers: int) -> Iterator[Path]:
    """Render shards, in this process or in several, and yield each when it is on disk."""
    if workers <= 1 or len(missing) <= 1:
        for shard in missing:
            yield _write(settings, shard)
        return
    context = multiprocessing.get_context('spawn')  # forked threads of OpenCV and torch hang
    with ProcessPoolExecutor(min(workers, len(missing)), context, _prepare_worker) as pool:
        tasks = [pool.submit(_write, settings, shard) for shard in missing]
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare_worker() -> None:
    """Keep a worker on one core, and let Ctrl-C reach the command alone, which then stops it."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write(settings: Settings, shard: Shard) -> Path:
    """Render one shard and put it in place at once, so that a file that exists is complete."""
    arrays = shard.render(settings, shard.first, shard.count)
    temporary = shard.path.with_name(f'{shard.path.stem}.temporary')
    with temporary.open('wb') as file:
        np.savez_compressed(file, **arrays)
    os.replace(temporary, shard.path)
    return shard.path
