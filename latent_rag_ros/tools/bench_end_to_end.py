"""Measures camera, filter and viewer as real nodes in processes of their own, over DDS."""
from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2

from latent_rag_ros.bench.cast import shipped_cast
from latent_rag_ros.bench.figures import slope
from latent_rag_ros.bench.observations import MINUTE_S, Observations, minute_slope
from latent_rag_ros.bench.process_use import memory_mb, processor_s
from latent_rag_ros.bench.scene import LOOP_FRAMES, Scene, Stage
from latent_rag_ros.tools.child_process import ChildProcess, stop_all
from latent_rag_ros.tools.demo_environment import node_executable

if TYPE_CHECKING:
    from latent_rag_ros.ros.bench_observer import BenchObserver

START_TIMEOUT_S = 240.0
"""Loading the networks takes seconds; minutes on a busy machine with a cold disk."""

WARM_UP_S, SAMPLE_PERIOD_S, SPIN_S = 4.0, 1.0, 0.02
SETTLING_SHARE = 0.2
"""First share of a run in which memory may still grow: caches and pools fill."""


class BenchError(RuntimeError):
    """A measurement through the nodes failed; the message says why and what to do."""


class Nodes:
    """The nodes as processes; a context manager that leaves none behind.

    Parameters
    ----------
    logs : Path
        Folder for one log per process.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, ChildProcess] = {}

    def __enter__(self) -> Nodes:
        return self

    def __exit__(self, *_: object) -> None:
        stop_all(self._children.values())

    def start(self, name: str, parameters: Mapping[str, object]) -> int:
        """Start a node such as `protector` and return the number of its process."""
        command = [sys.executable, str(node_executable(f'{name}_node')), '--ros-args']
        for key, value in parameters.items():
            # Parameter values are YAML, of which JSON is a part: quotes keep a path a string.
            command += ['-p', f'{key}:={json.dumps(value, ensure_ascii=False)}']
        child = ChildProcess(name, command, os.environ, self._logs / f'{name}.log')
        self._children[name] = child
        return child.pid

    def check(self) -> None:
        """Raise `BenchError` when a node has ended."""
        for child in self._children.values():
            if child.exit_status is not None:
                raise BenchError(f'{child.name} ended with exit status {child.exit_status}; the '
                                 f'end of {child.log}:\n{child.log_tail()}')


def write_frames(scene: Scene, folder: Path) -> None:
    """Write one loop of a scene as uncompressed PNG files, which cost the camera little to read.

    Raises `OSError` when a file cannot be written.
    """
    stage = Stage(scene, shipped_cast())
    for number in range(LOOP_FRAMES):
        bgr = cv2.cvtColor(stage.frame(number), cv2.COLOR_RGB2BGR)
        content = cv2.imencode('.png', bgr, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1]
        (folder / f'{number:03d}.png').write_bytes(content.tobytes())


def end_to_end(settings: Mapping[str, Any], logs: Path) -> dict[str, Any]:
    """Return what leaves the filter when a camera sends a scene at a rate.

    Parameters
    ----------
    settings : Mapping
        `values` of the protector, `scene`, `rate_hz`, `seconds`, and whether a `reidentifier`
        runs too.
    logs : Path
        Folder for the logs of the nodes.

    Returns
    -------
    dict
        The figures of `Observations`, memory and processor time of the protector; for a minute
        and longer the figures `by_minute` and what grows.

    Raises
    ------
    BenchError
        A node ended or published nothing in time.
    """
    from latent_rag_ros.ros.bench_observer import running_bench_observer

    observations = Observations()
    with tempfile.TemporaryDirectory(prefix='latent_rag_bench_') as name:
        folder = Path(name)
        write_frames(Scene(**settings['scene']), folder)
        with running_bench_observer(observations) as observer, Nodes(logs) as nodes:
            run = _Run(observer, observations, nodes)
            return run.measured(settings, folder)


class _Run:
    """One measurement: start, warm up, measure."""

    def __init__(self, observer: BenchObserver, observations: Observations,
                 nodes: Nodes) -> None:
        self._observer, self._observations, self._nodes = observer, observations, nodes

    def measured(self, settings: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Run the nodes and return the figures."""
        observations = self._observations
        key = str(folder / 'feature.key')
        pid = self._nodes.start('protector', {**settings['values'], 'identity.key_file': key})
        self._wait(lambda: observations.active, 'an active protector')
        if settings['reidentifier']:
            self._nodes.start('reidentifier', {})
            self._wait(lambda: self._observer.reidentifier_listens, 'the reidentifier')
        self._nodes.start('video_camera', {'source': str(folder), 'subscribers_min': 1,
                                           'rate_hz': float(settings['rate_hz'])})
        self._wait(lambda: len(observations.outputs) > 0, 'a published frame')
        self._watch(WARM_UP_S, pid)
        busy_s = processor_s(pid)
        observations.begin()
        times_s, used_mb = self._watch(settings['seconds'], pid)
        observations.end()
        busy_s = processor_s(pid) - busy_s
        return {'values': dict(settings['values']), 'rate_hz': settings['rate_hz'],
                **observations.figures(),
                'protector_cores': round(busy_s / max(times_s[-1], 1e-9), 2),
                'peak_rss_mb': memory_mb(pid)[1],
                **_growth(observations, times_s, used_mb)}

    def _watch(self, seconds: float, pid: int) -> tuple[list[float], list[float]]:
        """Spin for a time; return times in s and the protector's memory in MB then."""
        start_s, times_s, used_mb = time.monotonic(), [], []
        while not times_s or times_s[-1] < seconds:
            due_s = min(start_s + len(times_s) * SAMPLE_PERIOD_S, start_s + seconds)
            while time.monotonic() < due_s:
                self._observer.spin(SPIN_S)
            self._nodes.check()
            times_s.append(time.monotonic() - start_s)
            used_mb.append(memory_mb(pid)[0])
        return times_s, used_mb

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + START_TIMEOUT_S
        while not condition():
            self._observer.spin(SPIN_S)
            self._nodes.check()
            if time.monotonic() > end_s:
                status = self._observations.status
                text = 'it has not reported' if status is None else status.text
                raise BenchError(f'waited {START_TIMEOUT_S:g} s for {what} (protector: {text}); '
                                 'see the logs of the nodes')


def _growth(observations: Observations, times_s: list[float],
            used_mb: list[float]) -> dict[str, Any]:
    """Return what grows over the minutes of a long run; nothing for one below two minutes."""
    rows = observations.by_minute()
    if len(rows) < 2:
        return {}
    settled = int(SETTLING_SHARE * len(times_s))
    per_s = slope(times_s[settled:], used_mb[settled:])
    return {'by_minute': rows, 'age_ms_slope_per_minute': minute_slope(rows, 'p50'),
            'fps_slope_per_minute': minute_slope(rows, 'fps'),
            'rss_mb_slope_per_minute': round(MINUTE_S * per_s, 3),
            'rss_mb_settled': used_mb[settled], 'rss_mb_end': used_mb[-1]}
