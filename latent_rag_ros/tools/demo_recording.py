"""What the demo saw of the filter: numbers only, no pixels."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Status:
    """One `ProtectionStatus`, as far as the demo needs it. Counters are frames or persons."""

    stamp_ns: int
    active: bool
    state: str
    message: str
    method: str
    device: str
    frames_received: int = 0
    frames_protected: int = 0
    frames_blanked: int = 0
    frames_dropped: int = 0
    frames_pending: int = 0
    persons_protected: int = 0
    persons_solid: int = 0
    identities_published: int = 0
    latency_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def frames_finished(self) -> int:
        """Frames that ended as protected, blanked or dropped."""
        return self.frames_protected + self.frames_blanked + self.frames_dropped

    @property
    def accounted(self) -> bool:
        """Whether every received frame has ended."""
        return self.frames_pending == 0 and self.frames_received == self.frames_finished


class Recording:
    """Collects what arrives from the nodes, in any order. Stamps are in nanoseconds.

    `messages` counts what arrived, less statuses with the frame counters of the one before;
    `idle_statuses` counts the last statuses in a row that said the protector is not active.
    """

    def __init__(self) -> None:
        self.status: Status | None = None
        self.messages = 0
        self.idle_statuses = 0
        self.latencies_ms: dict[str, list[float]] = {}
        self.camera_stamps_ns: set[int] = set()
        self.output_stamps_ns: list[int] = []
        self.output_times_s: list[float] = []
        self.identities_matched = 0
        self.gallery_identities = 0

    def add_status(self, status: Status) -> None:
        """Take the newest counters; stage latencies count once per finished frame."""
        previous = self.status
        self.idle_statuses = 0 if status.active else self.idle_statuses + 1
        self.messages += previous is None or (
            (status.frames_received, status.frames_finished)
            != (previous.frames_received, previous.frames_finished))
        if previous is None or status.stamp_ns != previous.stamp_ns:
            for stage, latency_ms in status.latency_ms.items():
                self.latencies_ms.setdefault(stage, []).append(latency_ms)
        self.status = status

    def add_output(self, stamp_ns: int, received_s: float) -> None:
        """Note a published frame: its stamp and the monotonic clock at reception in seconds."""
        self.messages += 1
        self.output_stamps_ns.append(stamp_ns)
        self.output_times_s.append(received_s)

    def add_matches(self, matched: int, gallery_identities: int) -> None:
        """Note how many persons of a frame were known identities, and the gallery's size."""
        self.messages += 1
        self.identities_matched += matched
        self.gallery_identities = gallery_identities

    def add_camera(self, stamp_ns: int) -> None:
        """Note the stamp of a frame that the camera sent."""
        self.messages += 1
        self.camera_stamps_ns.add(stamp_ns)

    @property
    def stamps_unknown(self) -> int:
        """Published frames whose stamp no frame of the camera had.

        Frames from before the first known one do not count: they may have passed unnoticed while
        the recorder and the camera were still finding each other.
        """
        first_ns = min(self.camera_stamps_ns, default=0)
        return sum(stamp_ns >= first_ns and stamp_ns not in self.camera_stamps_ns
                   for stamp_ns in self.output_stamps_ns)

    @property
    def stamps_repeated(self) -> int:
        """Published frames whose stamp had been published before."""
        return len(self.output_stamps_ns) - len(set(self.output_stamps_ns))

    @property
    def output_hz(self) -> float:
        """Published frames per second; 0 for fewer than two."""
        if len(self.output_times_s) < 2:
            return 0.0
        elapsed_s = self.output_times_s[-1] - self.output_times_s[0]
        return (len(self.output_times_s) - 1) / max(elapsed_s, 1e-9)
