"""One activation of the filter under a clock that the test moves; no DDS in between."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from sensor_msgs.msg import CompressedImage, Image

from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.states import State
from latent_rag_ros.protection.types import Outcome, ProtectedFrame, Reason
from latent_rag_ros.ros.protection_run import ProtectionRun
from latent_rag_ros.ros.status import FilterStatus

from .protector_bench import PERSON, TIMEOUT_S, KnownPersons

Source = Image | CompressedImage


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Answers:
    """Stands where the publishers are: remembers what would be published and when."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.rows: list[tuple[int, Outcome, Reason, float]] = []

    def publish(self, frame: ProtectedFrame, source: Source, pipeline: object) -> int:
        """Remember one answer: number of the camera frame, outcome, reason, time."""
        if not isinstance(frame, ProtectedFrame):
            raise TypeError('not a ProtectedFrame')
        assert source.header.frame_id.startswith('camera_')
        self.rows.append((int(source.header.frame_id[7:]), frame.outcome, frame.reason,
                          self._clock()))
        return 0

    @property
    def ends(self) -> list[tuple[int, Reason]]:
        """Number and reason of every answer, in order."""
        return [(number, reason) for number, _, reason, _ in self.rows]


class Reports:
    """Stands where the status publisher is."""

    def __init__(self) -> None:
        self.status, self.errors, self.device = FilterStatus(), [], ''

    def use(self, pipeline: ProtectionPipeline) -> None:
        """Remember the device in use."""
        self.device = pipeline.device

    def change(self, state: State, reason: Reason, message: str = '') -> None:
        """Pass the state on."""
        self.status.change(state, reason, message)

    def log_frame(self, outcome: Outcome) -> None:
        """Stay silent."""

    def log_error(self, text: str) -> None:
        """Remember an error."""
        self.errors.append(text)

    def publish(self) -> None:
        """Count on every publication that the counters add up."""
        message = self.status.message()
        assert message.frames_received == (message.frames_protected + message.frames_blanked
                                           + message.frames_dropped + message.frames_pending)


class GuardBench:
    """A run behind a detector, and everything that comes of it."""

    def __init__(self, detector: KnownPersons, **parameters: object) -> None:
        """Begin; `__` in a parameter's name stands for a dot."""
        values = checked_values(PROTECTOR, {
            name.replace('__', '.'): value for name, value in parameters.items()})
        self.clock, self.detector, self.reports = Clock(), detector, Reports()
        self.answers, self.devices = Answers(self.clock), []
        self.make: Callable[[], ProtectionPipeline] = lambda: detector.pipeline(values)
        self.run = ProtectionRun(values, self.make(), self._fresh, self.answers, self.reports,
                                 '/image_raw', self.clock)
        self.values = values

    def _fresh(self, device: str | None) -> ProtectionPipeline:
        self.devices.append(device)
        return self.make()

    @property
    def state(self) -> tuple[State, Reason]:
        """State and reason at the moment."""
        message = self.reports.status.message()
        return State(message.state), Reason(message.reason)

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Frames received, protected, blanked and dropped."""
        message = self.reports.status.message()
        return (message.frames_received, message.frames_protected, message.frames_blanked,
                message.frames_dropped)

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Wait in real time until a condition holds that another thread brings about."""
        end_s = time.monotonic() + TIMEOUT_S
        while not condition():
            assert time.monotonic() < end_s, f'no {what} within {TIMEOUT_S:g} s'
            time.sleep(0.001)

    def protect(self, message: Source) -> Reason:
        """Hand in a message and return the reason of its end."""
        number = int(message.header.frame_id[7:])
        self.run.receive(message)
        self.wait_for(lambda: any(row[0] == number for row in self.answers.rows), 'answer')
        return next(reason for found, reason in self.answers.ends if found == number)

    def move(self, seconds: float) -> None:
        """Let time pass and have the watchdog look."""
        self.clock.now_s += seconds
        self.run.check()

    def hang(self, message: Source) -> threading.Semaphore:
        """Hand in a message that a worker begins and does not end before the returned gate."""
        gate = self.detector.gate = threading.Semaphore(0)
        while self.detector.begun.acquire(blocking=False):
            pass
        self.run.receive(message)
        assert self.detector.begun.acquire(timeout=TIMEOUT_S)
        return gate

    def close(self) -> None:
        """End the run."""
        if self.detector.gate is not None:
            self.detector.gate.release(1000)
        self.run.close()
        self.run.wait(TIMEOUT_S)


NewBench = Callable[..., GuardBench]


@pytest.fixture
def guarded() -> Iterator[NewBench]:
    """Return what makes a bench that ends with the test, without a thread left."""
    benches: list[GuardBench] = []

    def make(detector: KnownPersons | None = None, **parameters: object) -> GuardBench:
        benches.append(GuardBench(detector or KnownPersons(PERSON), **parameters))
        return benches[-1]

    yield make
    for bench in benches:
        bench.close()
    for bench in benches:
        bench.wait_for(lambda: workers() == 0, 'end of all workers')


def workers() -> int:
    """Return how many worker threads live."""
    return sum(thread.name == 'frame_worker' for thread in threading.enumerate())
