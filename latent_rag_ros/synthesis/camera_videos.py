"""Videos of several cameras that people pass, with true boxes: rendered once, resumable.

A camera records while somebody passes it. A file holds some seconds of one camera and depends on
the settings only.
"""
from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from .camera import Camera, sample_camera
from .degradation import degraded, developed
from .frame_renderer import HEIGHT_PX, SHADOW_PX, WIDTH_PX
from .geometry import Floats
from .person import Person, sample_person
from .scene import render
from .seeds import stream
from .settings import SynthesisError
from .walks import VideoSettings, Walk, sample_walks

SECONDS_PER_FILE = 10
JPEG_QUALITY = 95
SETTINGS_FILE = 'videos.json'
FORMAT_VERSION = 1
"""Counts up whenever the same settings give other pixels."""


@dataclass(frozen=True)
class VideoFrame:
    """One frame of one camera and who is in it.

    Parameters
    ----------
    camera : int
        Number of the camera.
    time_s : float
        Since the begin, equal for all cameras.
    image : NDArray
        Shape (480, 640, 3), uint8, RGB.
    people, visits : NDArray
        Person and visit of each of the n people in it, shape (n,), int64.
    boxes : NDArray
        What is seen of them, shape (n, 4), int32: left, top, right, bottom, the last two excluded.
    visible_shares : NDArray
        Area of that box relative to the box of the whole person, shape (n,), float32.
    """

    camera: int
    time_s: float
    image: NDArray[np.uint8]
    people: NDArray[np.int64]
    visits: NDArray[np.int64]
    boxes: NDArray[np.int32]
    visible_shares: NDArray[np.float32]


def render_videos(settings: VideoSettings, directory: Path) -> None:
    """Render what is missing of the videos into `directory`.

    Raises `SynthesisError` when the folder holds videos of other settings.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _claim(settings, directory)
    walks = sample_walks(settings)
    parts = math.ceil(max(walk.end_s for walk in walks) / SECONDS_PER_FILE)
    missing = [(path, camera, part) for part in range(parts) for camera in range(settings.cameras)
               if not (path := directory / f'part_{part:04d}_camera_{camera:02d}.npz').exists()]
    for path, camera, part in tqdm(missing, unit='part', desc=f'rendering into {directory}'):
        begin, end = (round(part_ * SECONDS_PER_FILE * settings.frame_hz)
                      for part_ in (part, part + 1))
        frames = [frame for number in range(begin, end)
                  if (frame := _frame(settings, walks, camera, number)) is not None]
        _write(path, frames)


def video_frames(directory: Path) -> Iterator[VideoFrame]:
    """Yield the frames of all cameras in the order of time; raises `OSError` or `ValueError`."""
    for part in sorted({path.name[:9] for path in directory.glob('part_*.npz')}):
        frames = [frame for path in sorted(directory.glob(f'{part}_*.npz'))
                  for frame in _read(path)]
        yield from sorted(frames, key=lambda frame: (frame.time_s, frame.camera))


@functools.lru_cache(maxsize=8)
def _camera(seed: int, number: int) -> Camera:
    return sample_camera(seed, number)


@functools.lru_cache(maxsize=96)
def _person(seed: int, number: int) -> Person:
    return sample_person(seed, number)


def _frame(settings: VideoSettings, walks: Sequence[Walk], camera_number: int,
           number: int) -> VideoFrame | None:
    """Return frame `number` of a camera; None while nobody passes."""
    time_s = number / settings.frame_hz
    here = [walk for walk in walks
            if walk.camera == camera_number and walk.begin_s <= time_s < walk.end_s]
    if not here:
        return None
    camera = _camera(settings.seed, camera_number)
    view = camera.view.window(0, 0, WIDTH_PX / camera.width_px)
    actors = []
    for walk in here:
        person = _person(settings.seed, walk.person)
        pose = person.sample_pose(stream(settings.seed, 'pose of visit', walk.number))
        actors.append(walk.actor(person, pose, time_s))
    radiance, owners = render(camera, view, WIDTH_PX, HEIGHT_PX, actors, SHADOW_PX)
    noise = stream(settings.seed, 'video frame', camera_number, number)
    image = degraded(developed(radiance, camera.imaging), camera.imaging, noise)
    labels = [_label(owners == place, actor.outline(view)) for place, actor in enumerate(actors)]
    return VideoFrame(
        camera_number, time_s, image, np.array([walk.person + 1 for walk in here]),
        np.array([walk.number for walk in here]), np.stack([box for box, _ in labels]),
        np.array([share for _, share in labels], np.float32))


def _label(seen: NDArray[np.bool_], outline: Floats) -> tuple[NDArray[np.int32], float]:
    """Return the box of what is seen, and its area relative to that of the whole person."""
    left, top, width, height = cv2.boundingRect(seen.astype(np.uint8))
    whole = float(np.prod(np.maximum(outline[2:] - outline[:2], 1)))
    box = np.array([left, top, left + width, top + height], np.int32)
    return box, min(1.0, width * height / whole)


def _claim(settings: VideoSettings, directory: Path) -> None:
    path = directory / SETTINGS_FILE
    mine = {'format': FORMAT_VERSION, **asdict(settings)}
    if not path.exists():
        temporary = path.with_suffix('.temporary')
        temporary.write_text(json.dumps(mine, indent=2) + '\n', encoding='utf-8')
        os.replace(temporary, path)
    elif (there := json.loads(path.read_text(encoding='utf-8'))) != mine:
        raise SynthesisError(f'{path} is of other videos ({there}, asked for {mine}); take '
                             'another folder')


def _write(path: Path, frames: Sequence[VideoFrame]) -> None:
    """Write frames as JPEG with their labels, whole or not at all."""
    jpegs = [cv2.imencode('.jpg', frame.image[..., ::-1],
                          [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1] for frame in frames]
    rows = np.repeat(np.arange(len(frames)), [len(frame.people) for frame in frames])

    def column(name: str, *shape: int) -> NDArray:
        return np.concatenate([np.zeros((0, *shape)), *(getattr(frame, name)
                                                        for frame in frames)])
    temporary = path.with_suffix('.temporary')
    with temporary.open('wb') as file:
        np.savez_compressed(
            file, jpeg_bytes=np.concatenate([np.zeros(0, np.uint8), *jpegs]),
            jpeg_ends=np.cumsum([len(jpeg) for jpeg in jpegs], dtype=np.int64), rows=rows,
            cameras=np.array([frame.camera for frame in frames], np.int64),
            times_s=np.array([frame.time_s for frame in frames]),
            people=column('people').astype(np.int64), visits=column('visits').astype(np.int64),
            boxes=column('boxes', 4).astype(np.int32),
            visible_shares=column('visible_shares').astype(np.float32))
    os.replace(temporary, path)


def _read(path: Path) -> Iterator[VideoFrame]:
    with np.load(path) as file:
        arrays = dict(file)
    jpegs = np.split(arrays['jpeg_bytes'], arrays['jpeg_ends'][:-1])
    for row, (camera, time_s) in enumerate(zip(arrays['cameras'], arrays['times_s'])):
        own = arrays['rows'] == row
        image = cv2.imdecode(jpegs[row], cv2.IMREAD_COLOR)[..., ::-1]
        yield VideoFrame(int(camera), float(time_s), np.ascontiguousarray(image),
                         *(arrays[name][own]
                           for name in ('people', 'visits', 'boxes', 'visible_shares')))
