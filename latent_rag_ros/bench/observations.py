"""What was seen of the running nodes: stamps, counters and latencies, no pixels."""
from __future__ import annotations

import bisect
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latent_rag_ros.bench.figures import distribution, slope

COUNTERS = ('frames_received', 'frames_protected', 'frames_blanked', 'frames_dropped',
            'persons_protected', 'persons_solid', 'identities_published')
NODE_TRANSPORT_STAGES = ('convert', 'publish')
"""Stages of the protector that only turn messages into arrays and back, and send them."""

MINUTE_S, MS_NS = 60.0, 1e6


@dataclass(frozen=True)
class Output:
    """A published frame: monotonic time of arrival in s, and its age then in ms."""

    stamp_ns: int
    arrived_s: float
    age_ms: float


@dataclass(frozen=True)
class StatusReport:
    """A `ProtectionStatus`, as far as it is measured."""

    stamp_ns: int
    active: bool
    text: str
    counters: Mapping[str, int]
    latency_ms: Mapping[str, float]


@dataclass
class Observations:
    """Collects what arrives; `begin` and `end` bound the time that is measured."""

    camera_times_s: list[float] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    latencies_ms: dict[int, Mapping[str, float]] = field(default_factory=dict)
    status: StatusReport | None = None
    _before: tuple[float, Mapping[str, int]] | None = None
    _after: tuple[float, Mapping[str, int]] | None = None

    def add_camera(self) -> None:
        """Note a frame that the camera sent."""
        self.camera_times_s.append(time.monotonic())

    def add_output(self, stamp_ns: int, now_ns: int) -> None:
        """Note a published frame and the time on the clock of its stamp."""
        self.outputs.append(Output(stamp_ns, time.monotonic(), (now_ns - stamp_ns) / MS_NS))

    def add_status(self, status: StatusReport) -> None:
        """Take the newest counters, and the latencies of the frame it is about."""
        self.status = status
        if status.latency_ms:
            self.latencies_ms[status.stamp_ns] = status.latency_ms

    @property
    def active(self) -> bool:
        """Whether the protector said last that it is active."""
        return self.status is not None and self.status.active

    def begin(self) -> None:
        """Measure from now on."""
        self._before = time.monotonic(), self._counters()

    def end(self) -> None:
        """Measure no further."""
        self._after = time.monotonic(), self._counters()

    def _counters(self) -> Mapping[str, int]:
        return dict.fromkeys(COUNTERS, 0) if self.status is None else self.status.counters

    def figures(self) -> dict[str, Any]:
        """Return the figures between `begin` and `end`.

        `fps` and `age_ms` are of the published frames, blanked ones included; `frames` counts
        where frames went; `transport_ms` is the age less what the protector needed to protect.
        Raises `ValueError` when the bounds were not set.
        """
        if self._before is None or self._after is None:
            raise ValueError('figures are asked for before begin and end were called')
        (begin_s, before), (end_s, after) = self._before, self._after
        seen = [one for one in self.outputs if begin_s <= one.arrived_s < end_s]
        counted = {name: after[name] - before[name] for name in COUNTERS}
        protected = max(1, counted['frames_protected'])
        return {
            'seconds': round(end_s - begin_s, 2),
            'fps': round(len(seen) / (end_s - begin_s), 2),
            'age_ms': distribution([one.age_ms for one in seen]),
            'frames': {'sent': _between(self.camera_times_s, begin_s, end_s),
                       **{name[7:]: counted[name] for name in COUNTERS[:4]},
                       'published': len(seen)},
            'people_per_frame': round(counted['persons_protected'] / protected, 2),
            'synthetic_per_frame': round(
                (counted['persons_protected'] - counted['persons_solid']) / protected, 2),
            'identities_per_frame': round(counted['identities_published'] / protected, 2),
            **self._latency_figures(seen),
        }

    def _latency_figures(self, seen: Sequence[Output]) -> dict[str, Any]:
        """Return stages, and the share of a frame's age that transport takes."""
        pairs = [(one, self.latencies_ms[one.stamp_ns]) for one in seen
                 if 'total' in self.latencies_ms.get(one.stamp_ns, {})]
        names = dict.fromkeys(name for _, stages in pairs for name in stages)
        transport = [one.age_ms - stages['total'] + sum(
            stages.get(name, 0.0) for name in NODE_TRANSPORT_STAGES) for one, stages in pairs]
        waiting = [2 * stages['total'] - sum(stages.values()) for _, stages in pairs]
        shares = [part / one.age_ms for part, (one, _) in zip(transport, pairs) if one.age_ms > 0]
        return {
            'stages_ms': {name: distribution([stages.get(name, 0.0) for _, stages in pairs])
                          for name in names},
            'waiting_ms': distribution(waiting),
            'transport_ms': distribution(transport),
            'transport_share': round(float(np.median(shares)), 3) if shares else None,
        }

    def by_minute(self) -> list[dict[str, float]]:
        """Return `fps` and the age's `p50` and `p95` of every whole minute that was measured."""
        if self._before is None or self._after is None:
            raise ValueError('figures are asked for before begin and end were called')
        begin_s, end_s = self._before[0], self._after[0]
        rows = []
        for minute in range(int((end_s - begin_s) // MINUTE_S)):
            from_s = begin_s + minute * MINUTE_S
            ages = [one.age_ms for one in self.outputs
                    if from_s <= one.arrived_s < from_s + MINUTE_S]
            found = distribution(ages)
            rows.append({'minute': minute, 'fps': round(len(ages) / MINUTE_S, 2),
                         **{name: found[name] for name in ('p50', 'p95') if name in found}})
        return rows


def minute_slope(rows: Sequence[Mapping[str, float]], name: str) -> float:
    """Return how much a figure of `by_minute` grows in a minute; 0 for fewer than two minutes."""
    known = [row for row in rows if name in row]
    return round(slope([row['minute'] for row in known], [row[name] for row in known]), 3)


def _between(times_s: Sequence[float], begin_s: float, end_s: float) -> int:
    return bisect.bisect_left(times_s, end_s) - bisect.bisect_left(times_s, begin_s)
