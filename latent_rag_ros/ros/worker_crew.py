"""The one worker that may publish, and its replacement when it hangs or dies.

A thread cannot be killed. One that hangs is given up: it keeps its own pipeline, which nobody else
touches any more, and whatever comes of it is not published, because it is not the current one.
"""
from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.ros.arrival import Arrival
from latent_rag_ros.ros.frame_worker import FrameWorker

BUILD_TIMEOUT_S = 120.0
"""So long may the loading of fresh networks take; the slowest machine needs a part of it."""


@dataclass(eq=False)
class Worker:
    """One thread and the pipeline that only it uses.

    Parameters
    ----------
    pipeline : ProtectionPipeline or None
        None until the thread has built it.
    busy_since_s : float or None
        Monotonic time at which the work at hand began; None while there is none.
    held : list of Arrival
        Arrivals that went into the pipeline and did not come out yet.
    """

    pipeline: ProtectionPipeline | None
    busy_since_s: float | None = None
    held: list[Arrival] = field(default_factory=list)
    thread: FrameWorker[Arrival] | None = None


class WorkerCrew:
    """Keeps one worker at work. Its owner holds a lock around every call but `stop`.

    Parameters
    ----------
    work : Callable
        Protects one arrival, in the thread of the worker it is given.
    fail : Callable
        Gets the worker, the arrival (None: while it built its pipeline) and the error.
    make_pipeline : Callable
        Builds a fresh pipeline on a device; None takes the one of the parameters. It is called in
        the thread of the new worker.
    hang_timeout_s : float
        A worker that is busy with one frame for longer is given up.
    abandoned_max : int
        With so many given up that still hang, no further worker is started.
    pipeline : ProtectionPipeline or None
        What the first worker works with; None has it build its own.
    """

    def __init__(self, work: Callable[[Worker, Arrival], None],
                 fail: Callable[[Worker, Arrival | None, Exception], None],
                 make_pipeline: Callable[[str | None], ProtectionPipeline],
                 hang_timeout_s: float, abandoned_max: int,
                 pipeline: ProtectionPipeline | None,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._work, self._fail, self._make_pipeline = work, fail, make_pipeline
        self._hang_timeout_s, self._abandoned_max, self._clock = (
            hang_timeout_s, abandoned_max, clock)
        self._abandoned: list[Worker] = []
        self._retry_s, self._device = -math.inf, None
        self.reason, self.trouble = Reason.NONE, ''
        self.current = self._hired(pipeline)

    @property
    def hanging(self) -> int:
        """Number of workers that were given up and still hang."""
        self._abandoned = [worker for worker in self._abandoned if worker.thread.is_alive]
        return len(self._abandoned)

    def busy_s(self, now_s: float) -> float:
        """Return for how long the current worker has been at the same work."""
        since_s = self.current.busy_since_s
        return 0.0 if since_s is None else now_s - since_s

    def check(self, now_s: float) -> bool:
        """Replace a worker that hangs or has died; return whether that was done.

        `reason` and `trouble`, one line, say afterwards why no frame can be protected; `trouble`
        is empty when that is not so.
        """
        worker = self.current
        limit_s = self._hang_timeout_s if worker.pipeline is not None else BUILD_TIMEOUT_S
        if not worker.thread.is_alive:
            return (now_s >= self._retry_s
                    and self._replace(now_s, Reason.WORKER_HUNG, 'it died'))
        if self.busy_s(now_s) > limit_s:
            why = f'it was busy with one frame for {limit_s:g} s'
            if self.hanging < self._abandoned_max:
                return self._replace(now_s, Reason.WORKER_HUNG, why)
            self.reason = Reason.WORKER_HUNG
            self.trouble = (f'{why}, and {self.hanging} before it hang too; nothing more is '
                            'started before one of them ends, or the node is configured again')
        elif worker.pipeline is not None:
            self.reason, self.trouble = Reason.NONE, ''
        return False

    def move_to(self, device: str, now_s: float) -> None:
        """Go on with a fresh pipeline on another device, for good."""
        self._device = device
        self._replace(now_s, Reason.OUT_OF_MEMORY, f'its networks move to {device}')

    def stop(self, timeout_s: float) -> None:
        """End the current worker; raise `TimeoutError` when it still works after that time."""
        self.current.thread.stop(timeout_s)

    def _replace(self, now_s: float, reason: Reason, why: str) -> bool:
        self.current.thread.abandon()
        self._abandoned.append(self.current)
        self._retry_s = now_s + self._hang_timeout_s
        self.current = self._hired(None)
        self.reason = reason
        self.trouble = f'the worker is replaced: {why}; {self.hanging} given up still run'
        return True

    def _hired(self, pipeline: ProtectionPipeline | None) -> Worker:
        worker = Worker(pipeline)
        if pipeline is None:
            worker.busy_since_s = self._clock()
        worker.thread = FrameWorker(
            lambda arrival: self._work(worker, arrival),
            lambda arrival, error: self._fail(worker, arrival, error),
            None if pipeline is not None else lambda: self._build(worker))
        return worker

    def _build(self, worker: Worker) -> None:
        worker.pipeline = self._make_pipeline(self._device)
        worker.busy_since_s = None
