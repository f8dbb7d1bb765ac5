"""The course of a demo: start the nodes, play the video, wait until every frame has ended."""
from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tqdm import tqdm

from latent_rag_ros.tools.child_process import ChildProcess, stop_all
from latent_rag_ros.tools.demo_environment import node_executable
from latent_rag_ros.tools.demo_error import DemoError
from latent_rag_ros.tools.demo_recording import Recording

START_TIMEOUT_S = 180.0
"""Loading the networks takes seconds; a minute and more on a busy machine with a cold disk."""

STALL_TIMEOUT_S = 60.0
"""Without any message for this long the demo is given up."""

IDLE_STATUSES_MAX = 3
"""A protector that starts by itself reports nothing before it is active, or has failed."""

QUIET_S = 1.0
"""After the video's end nothing more may arrive for this long before the counters are taken."""

SPIN_S = 0.05


@dataclass(frozen=True)
class Video:
    """What is played.

    Parameters
    ----------
    source : str
        `source` parameter of the camera; empty for the shipped clip.
    rate_hz : float
        Frames per second that the camera sends.
    frames : int
        Frames of the video; 0 when unknown.
    """

    source: str
    rate_hz: float
    frames: int


class Recorder(Protocol):
    """The part of `ros.recorder.Recorder` that a session uses."""

    @property
    def nodes_ready(self) -> bool:
        """Whether protector and reidentifier are ready for the first frame."""

    def spin(self, timeout_s: float) -> None:
        """Handle what has arrived, or wait at most `timeout_s` seconds for something."""


class DemoSession:
    """Runs the nodes as processes beside a recorder; a context manager that leaves none behind.

    Parameters
    ----------
    recorder : Recorder
        The node of this process.
    recording : Recording
        What the recorder fills.
    environment : mapping
        Environment of the processes.
    logs : Path
        Folder for one log per process.
    """

    def __init__(self, recorder: Recorder, recording: Recording,
                 environment: Mapping[str, str], logs: Path) -> None:
        self._recorder, self._recording = recorder, recording
        self._environment, self._logs = environment, logs
        self._children: dict[str, ChildProcess] = {}

    def __enter__(self) -> DemoSession:
        return self

    def __exit__(self, *_: object) -> None:
        stop_all(self._children.values())

    def start_filter(self) -> None:
        """Start protector and reidentifier and wait until both are ready.

        Raises `DemoError` when one of them ends, refuses to start or is not ready in time.
        """
        self._start('protector')
        self._start('reidentifier')
        self._wait(self._ready, START_TIMEOUT_S, 'the nodes to be ready')

    def play(self, video: Video, subscribers: int) -> None:
        """Play the video to its end, with a progress bar on standard error.

        Parameters
        ----------
        video : Video
            What to play.
        subscribers : int
            Subscribers of the raw image that the first frame waits for.

        Raises
        ------
        DemoError
            A process failed, nothing arrived for long, or the whole takes far too long.
        """
        parameters: dict[str, object] = {
            'rate_hz': video.rate_hz, 'loop': False, 'subscribers_min': subscribers}
        if video.source:
            parameters['source'] = video.source
        self._start('video_camera', parameters)
        limit_s = START_TIMEOUT_S + 3 * video.frames / video.rate_hz if video.frames else None
        with tqdm(total=video.frames or None, desc='frames', unit='frame') as bar:
            self._wait(self._played(bar), limit_s, 'the end of the video')

    def _ready(self) -> bool:
        if self._recording.idle_statuses >= IDLE_STATUSES_MAX:
            raise DemoError(f'the protector refuses to start{self._tails()}')
        return self._recorder.nodes_ready

    def _played(self, bar: tqdm) -> Callable[[], bool]:
        """Return the condition that ends the video; asking it moves the bar on."""
        recording, camera = self._recording, self._children['video_camera']
        seen, changed_s = -1, time.monotonic()

        def ended() -> bool:
            nonlocal seen, changed_s
            now_s = time.monotonic()
            if recording.messages != seen:
                seen, changed_s = recording.messages, now_s
                _advance(bar, recording)
            quiet_s = now_s - changed_s
            if quiet_s > STALL_TIMEOUT_S:
                raise DemoError(f'nothing arrived for {STALL_TIMEOUT_S:g} s '
                                f'({_describe(recording)}){self._tails()}')
            status = recording.status
            return (camera.exit_status is not None and quiet_s > QUIET_S
                    and status is not None and status.accounted)
        return ended

    def _start(self, name: str, parameters: Mapping[str, object] | None = None) -> None:
        command = [sys.executable, str(node_executable(f'{name}_node'))]
        if parameters:
            # Parameter values are YAML, of which JSON is a part: quotes keep a path a string.
            command.append('--ros-args')
            for key, value in parameters.items():
                command += ['-p', f'{key}:={json.dumps(value, ensure_ascii=False)}']
        self._children[name] = ChildProcess(name, command, self._environment,
                                            self._logs / f'{name}.log')

    def _wait(self, condition: Callable[[], bool], timeout_s: float | None, what: str) -> None:
        """Spin until `condition` holds; raises `DemoError` for a failed process or a timeout."""
        end_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not condition():
            self._recorder.spin(SPIN_S)
            self._check_children()
            if end_s is not None and time.monotonic() > end_s:
                raise DemoError(f'waited {timeout_s:.0f} s for {what} '
                                f'({_describe(self._recording)}){self._tails()}')

    def _check_children(self) -> None:
        """Raise `DemoError` when a process ended that should not have."""
        for child in self._children.values():
            status = child.exit_status
            if status is not None and (status != 0 or child.name != 'video_camera'):
                raise DemoError(f'{child.name} ended with exit status {status}; the end of '
                                f'{child.log}:\n{child.log_tail()}')

    def _tails(self) -> str:
        return ''.join(f'\nthe end of {child.log}:\n{child.log_tail()}'
                       for child in self._children.values())


def _advance(bar: tqdm, recording: Recording) -> None:
    status = recording.status
    if status is not None and status.active:
        bar.set_postfix(persons=status.persons_protected, dropped=status.frames_dropped,
                        refresh=False)
        bar.update(status.frames_finished - bar.n)


def _describe(recording: Recording) -> str:
    status = recording.status
    if status is None:
        return 'the protector has not reported yet'
    return f'the protector is {status.state}' + (f': {status.message}' if status.message else '')
