"""The filter as it ships behind a camera at 30 Hz, for as long as SOAK_S says.

`make soak` runs it for an hour and writes results/soak.json; SOAK_S and SOAK_RESULTS choose.
"""
from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from nodes.conftest import Graph, Process, StartNode
from sensor_msgs.msg import Image

from latent_rag_ros.evaluation.frames import LabelledFrame
from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.states import State
from latent_rag_ros.ros.qos import PROTECTED_IMAGE, STATUS
from latent_rag_ros.weights.registry import write_atomically

from .clip_viewer import LEFT_SHARE_MAX, adds_up, clip_frames, left_share, write_pictures
from .process_use import Use, slope, use_of

RATE_HZ, SAMPLE_PERIOD_S, HOUR_S = 30.0, 1.0, 3600.0
DURATION_S = float(os.environ.get('SOAK_S', 60))
WARM_UP_SHARE = 0.2
GROWTH_MB_PER_HOUR_MAX, MEANINGFUL_S = 30.0, 1800.0
"""Growth that fails the test, and how long it must run before a slope means anything."""


class Observer:
    """Looks at everything that is published and keeps figures only."""

    def __init__(self, graph: Graph, clip: list[LabelledFrame]) -> None:
        self._graph, self._clip = graph, clip
        self.images = self.leaked_images = self.wrong_counts = 0
        self.states: Counter[str] = Counter()
        self.latencies_ms: list[float] = []
        self.status = ProtectionStatus()
        graph.node.create_subscription(Image, 'protected/image', self._look, PROTECTED_IMAGE)
        graph.node.create_subscription(ProtectionStatus, 'protection_status', self._note, STATUS)

    def _look(self, image: Image) -> None:
        self.images += 1
        self.leaked_images += int(left_share(image, self._clip) > LEFT_SHARE_MAX)

    def _note(self, status: ProtectionStatus) -> None:
        self.wrong_counts += int(not adds_up(status))
        self.states[State(status.state).name.lower()] += 1
        if status.header != self.status.header and 'total' in status.latency_stages:
            self.latencies_ms.append(
                status.latency_ms[list(status.latency_stages).index('total')])
        self.status = status

    def watch(self, process: Process, duration_s: float) -> tuple[list[float], list[Use]]:
        """Spin for a time; return when the process was looked at and what it held then."""
        start_s, times_s, uses = time.monotonic(), [], []
        while not times_s or times_s[-1] < duration_s:
            due_s = start_s + len(uses) * SAMPLE_PERIOD_S
            self._graph.wait_for(lambda: time.monotonic() >= due_s, 'time to pass')
            assert process.popen.poll() is None, process.log
            times_s.append(time.monotonic() - start_s)
            uses.append(use_of(process.popen.pid))
        return times_s, uses


def figures(observer: Observer, times_s: Sequence[float], uses: Sequence[Use]) -> dict:
    """Return what the soak found, for results/soak.json."""
    warm = int(WARM_UP_SHARE * len(uses))
    places = list(times_s[warm:])
    status, latencies = observer.status, observer.latencies_ms or [float('nan')]
    return {
        'duration_s': round(times_s[-1], 1), 'rate_hz': RATE_HZ, 'machine': platform.machine(),
        'cores': os.cpu_count(), 'load_1min': round(os.getloadavg()[0], 1),
        'method': status.method, 'device': status.device,
        'frames': {name: getattr(status, f'frames_{name}')
                   for name in ('received', 'protected', 'blanked', 'dropped', 'pending')},
        'images_seen': observer.images, 'images_with_a_person_left': observer.leaked_images,
        'statuses_by_state': dict(observer.states),
        'statuses_that_do_not_add_up': observer.wrong_counts,
        'latency_ms': {f'p{share}': round(float(np.percentile(latencies, share)), 1)
                       for share in (50, 95, 99)},
        'after_warm_up': asdict(uses[warm]), 'at_the_end': asdict(uses[-1]),
        'slopes_per_hour': {name: round(HOUR_S * slope(
            places, [float(getattr(use, name)) for use in uses[warm:]]), 3)
            for name in ('rss_mb', 'threads', 'files')},
    }


@pytest.mark.slow
def test_soak_at_30_hz_leaks_nothing_and_grows_nowhere(
        graph: Graph, start_node: StartNode, tmp_path: Path) -> None:
    clip = clip_frames()
    observer = Observer(graph, clip)
    process = start_node('protector')
    graph.wait_for(lambda: observer.states['blanking'], 'active protector')
    start_node('video_camera', {'source': write_pictures(clip, tmp_path / 'pictures'),
                                'rate_hz': RATE_HZ, 'subscribers_min': 1})
    graph.wait_for(lambda: observer.status.frames_received > 0, 'first frame')
    times_s, uses = observer.watch(process, DURATION_S)
    found = figures(observer, times_s, uses)
    results = Path(os.environ.get('SOAK_RESULTS', tmp_path / 'soak.json'))
    write_atomically(results, (json.dumps(found, indent=2) + '\n').encode())
    assert found['images_with_a_person_left'] == found['statuses_that_do_not_add_up'] == 0
    assert found['frames']['received'] > 0 and 'Traceback' not in process.log
    threads, files = ([getattr(use, name) for use in uses] for name in ('threads', 'files'))
    half = len(uses) // 2
    assert statistics.median(threads[half:]) <= statistics.median(threads[:half]) + 1
    assert statistics.median(files[half:]) <= statistics.median(files[:half]) + 1
    if times_s[-1] >= MEANINGFUL_S:
        assert found['slopes_per_hour']['rss_mb'] < GROWTH_MB_PER_HOUR_MAX, found
        assert found['frames']['protected'] > 0, found
