"""The command `latent-rag demo`: a video through the real nodes, with pictures and figures."""
from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2

from latent_rag_ros.tools.child_process import termination_as_exit
from latent_rag_ros.tools.contact_sheet import Moment, contact_sheet, write_png
from latent_rag_ros.tools.demo_environment import demo_environment
from latent_rag_ros.tools.demo_error import DemoError
from latent_rag_ros.tools.demo_recording import Recording
from latent_rag_ros.tools.demo_session import DemoSession, Video
from latent_rag_ros.tools.demo_summary import complaint, summary
from latent_rag_ros.tools.video_source import (
    IMAGE_SUFFIXES, SHIPPED_CLIP, VideoSourceError, open_video_source)
from latent_rag_ros.tools.video_writer import VideoWriter
from latent_rag_ros.weights.registry import write_atomically

LOGGER = logging.getLogger(__name__)

SHIPPED_CLIP_RATE_HZ = 2.5
"""A quarter of the clip's own rate: two CPU cores then protect most frames, not only some."""

OUTPUTS = ('protected.mp4', 'before_after.png', 'summary.json')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the demo to `parser`."""
    parser.add_argument('--video', default='', metavar='PATH', help='video file or folder of '
                        'images; without it the shipped clip of synthetic people')
    parser.add_argument('--out', type=Path, default=Path('out/demo'), metavar='FOLDER',
                        help='where the results go (default: %(default)s)')
    parser.add_argument('--rate', type=float, default=0.0, metavar='HZ',
                        help='frames per second; 0 plays a video at its own rate and the shipped '
                        f'clip at {SHIPPED_CLIP_RATE_HZ:g} (default: %(default)g)')
    parser.add_argument('--show-raw', action='store_true',
                        default=os.environ.get('SHOW_RAW', '') == '1',
                        help='store unprotected people of your own video on the left side of '
                        'before_after.png; SHOW_RAW=1 does the same')


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; return 0 when frames were protected and every frame is accounted for."""
    try:
        with termination_as_exit():
            _run(arguments)
    except (DemoError, VideoSourceError) as error:
        LOGGER.error('%s', error)
        return 1
    return 0


def _run(arguments: argparse.Namespace) -> None:
    video = _video(arguments.video, arguments.rate)
    out, logs = arguments.out, arguments.out / 'logs'
    logs.mkdir(parents=True, exist_ok=True)
    for name in OUTPUTS:
        (out / name).unlink(missing_ok=True)
    environment = demo_environment(logs)
    os.environ.update(environment)  # the recorder runs in this process
    show_raw = arguments.show_raw or not video.source
    recording, writer = Recording(), VideoWriter(out / 'protected.mp4', video.rate_hz)
    try:
        moments = _record(video, recording, writer, environment, logs, show_raw)
        writer.close()
    finally:
        writer.discard()
    figures = {'video': Path(video.source).name or 'shipped clip', **summary(recording)}
    _write_results(out, figures, moments, _before_label(video, show_raw))
    problem = complaint(figures)
    if problem:
        raise DemoError(f'{problem}; the logs are in {logs}')
    sys.stdout.write(report(out, figures))


def _record(video: Video, recording: Recording, writer: VideoWriter,
            environment: Mapping[str, str], logs: Path,
            show_raw: bool) -> list[Moment]:
    """Play the video through the nodes and return its moments."""
    try:
        from latent_rag_ros.ros.recorder import running_recorder
    except ImportError as error:
        raise DemoError(f'ROS 2 or the messages of this package cannot be imported ({error}); '
                        'install the package with "pip install .", or source the setup.bash of '
                        'ROS and of your colcon workspace') from error
    with running_recorder(recording, writer, show_raw) as recorder:
        with DemoSession(recorder, recording, environment, logs) as session:
            LOGGER.info('starting the nodes; their logs go to %s', logs)
            session.start_filter()
            session.play(video, subscribers=2 if show_raw else 1)
        return recorder.moments.best()


def _video(source: str, rate_hz: float) -> Video:
    """Check what is to be played; raises `DemoError` or `VideoSourceError`."""
    if source.startswith('/dev/'):
        raise DemoError(f'--video is {source}, which has no end; for a camera use: '
                        'ros2 launch latent_rag_ros demo.launch.py video:=' + source)
    if not 0.0 <= rate_hz <= 1000.0:
        raise DemoError(f'--rate is {rate_hz:g}; give frames per second between 0 and 1000')
    path = str(Path(source).absolute()) if source else ''
    opened = open_video_source(path)
    opened.close()
    own_rate_hz = opened.rate_hz if source else SHIPPED_CLIP_RATE_HZ
    return Video(path, rate_hz or own_rate_hz, _frame_count(path))


def _frame_count(path: str) -> int:
    """Return the frames of a video file as its header tells; 0 when it does not."""
    file = Path(path) if path else SHIPPED_CLIP
    if file.is_dir():
        return sum(image.suffix.lower() in IMAGE_SUFFIXES for image in file.iterdir())
    capture = cv2.VideoCapture(str(file))
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    capture.release()
    return int(count) if 0 < count < 1e9 else 0


def _before_label(video: Video, show_raw: bool) -> str:
    if not video.source:
        return 'before (synthetic people)'
    return 'before (raw camera)' if show_raw else 'people hidden, not stored'


def _write_results(out: Path, figures: Mapping[str, Any], moments: list[Moment],
                   before_label: str) -> None:
    if moments:
        write_png(out / 'before_after.png', contact_sheet(moments, before_label, 'after'))
    else:
        LOGGER.warning('nobody was seen in the video, so there is no before_after.png')
    text = json.dumps(figures, indent=2, allow_nan=False) + '\n'
    write_atomically(out / 'summary.json', text.encode())


def report(out: Path, figures: Mapping[str, Any]) -> str:
    """Return what the user reads at the end: the figures in short and where the files are."""
    lines = [
        '{frames_received} frames received = {frames_protected} protected + {frames_blanked} '
        'blanked + {frames_dropped} dropped'.format(**figures),
        '{persons_protected} persons protected ({persons_solid} by a solid colour), '
        '{identities_published} identities published, {identities_matched} matched'.format(
            **figures),
        '{fps:g} frames per second on {device} with {method}'.format(**figures),
        *(str(out / name) for name in OUTPUTS if (out / name).is_file())]
    return '\n'.join(lines) + '\n'
