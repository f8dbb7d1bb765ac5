"""One activation of the filter: raw messages in, an answer for each of them when it is due.

The executor hands messages in, a worker protects them, a watchdog answers what is due. All three
meet at one lock, and every message is answered once: who comes later finds it ended.
"""
from __future__ import annotations

import math
import threading
import time
import zlib
from collections.abc import Callable, Mapping

from sensor_msgs.msg import CompressedImage, Image

from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.blank import blank_frame
from latent_rag_ros.protection.guard import Guard
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.states import State
from latent_rag_ros.protection.types import Frame, Outcome, ProtectedFrame, Reason
from latent_rag_ros.ros.arrival import Arrival
from latent_rag_ros.ros.compressed_images import decode_compressed
from latent_rag_ros.ros.frame_output import FrameOutput
from latent_rag_ros.ros.images import ImageError, to_rgb
from latent_rag_ros.ros.picture_size import picture_size
from latent_rag_ros.ros.status_reporter import StatusReporter
from latent_rag_ros.ros.worker_crew import Worker, WorkerCrew

CHECK_PERIOD_S = 0.2
SECOND_NS = 1_000_000_000


class ProtectionRun:
    """Protects what `receive` gets until it is closed.

    Parameters
    ----------
    values : Mapping
        All parameters of the protector, checked.
    pipeline : ProtectionPipeline or None
        What the first worker works with; None has it build its own.
    make_pipeline : Callable
        Builds a fresh pipeline on a device; None takes the device of the parameters.
    output : FrameOutput
        Publishes the answers.
    reporter : StatusReporter
        Counts and reports them.
    topic : str
        Full name of the camera's topic, for messages.
    clock : Callable
        Monotonic clock, in seconds.
    """

    def __init__(self, values: Mapping[str, Value], pipeline: ProtectionPipeline | None,
                 make_pipeline: Callable[[str | None], ProtectionPipeline], output: FrameOutput,
                 reporter: StatusReporter, topic: str,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self._values, self._output, self._reporter = values, output, reporter
        self._topic = topic
        self._clock, self._gate, self._closed = clock, threading.Lock(), False
        self._guard, self._deadline_s = Guard(values, clock()), values['guard.deadline_s']
        self._open: list[Arrival] = []
        self._crew = WorkerCrew(
            self._work, self._fail, make_pipeline, values['guard.hang_timeout_s'],
            values['guard.abandoned_workers_max'], pipeline, clock)

    @property
    def check_period_s(self) -> float:
        """So often `check` has to be called at least, that nothing falls due in between."""
        return min(CHECK_PERIOD_S, self._guard.due_s(0.0))

    @property
    def pipeline(self) -> ProtectionPipeline | None:
        """The pipeline of the current worker; None while it is being built."""
        return self._crew.current.pipeline

    def receive(self, message: Image | CompressedImage) -> None:
        """Take a message in; one that waits gives way to it."""
        now_s = self._clock()
        arrival = Arrival(message, now_s)
        with self._gate:
            if self._closed:
                return
            self._guard.arrive(now_s)
            waiting = self._waiting()
            # While nobody can work the view goes on blank, at the pace of the camera.
            in_trouble = bool(self._crew.trouble) or self._crew.busy_s(now_s) > self._deadline_s
            dropped = waiting is not None and not in_trouble
            if dropped:
                self._end(waiting)
            self._open.append(arrival)
            self._reporter.status.receive(lambda: int(dropped))
            if waiting is not None and in_trouble:
                self._blank_due(waiting)
            self._crew.current.thread.put(arrival)

    def check(self) -> float:
        """Answer what is due, replace a worker that hangs; return when to come again, in s."""
        now_s = self._clock()
        with self._gate:
            if self._closed:
                return CHECK_PERIOD_S
            if self._crew.check(now_s):
                self._change_worker()
            for arrival in [arrival for arrival in self._open
                            if now_s >= self._guard.due_s(arrival.received_s)]:
                self._blank_due(arrival)
            self._report_trouble(now_s)
            due_s = [self._guard.due_s(arrival.received_s) for arrival in self._open]
        return min(due_s, default=math.inf) - self._clock()

    def close(self) -> None:
        """Stop at once: what is not answered yet is dropped, and nothing is published any more."""
        with self._gate:
            self._closed = True
            self._open.clear()
            self._reporter.status.drop_pending()
            self._crew.current.thread.abandon()

    def wait(self, timeout_s: float) -> None:
        """Wait, once closed, for the frame in work; raise `TimeoutError` when it does not end."""
        self._crew.stop(timeout_s)

    def _waiting(self) -> Arrival | None:
        return next((arrival for arrival in self._open if not arrival.begun), None)

    def _is_current(self, worker: Worker) -> bool:
        return not self._closed and worker is self._crew.current

    def _work(self, worker: Worker, arrival: Arrival) -> None:
        """Protect one frame and answer what is finished by it, in the worker's thread."""
        with self._gate:
            if arrival.begun or arrival.ended or not self._is_current(worker):
                return
            arrival.begun, worker.busy_since_s = True, self._clock()
        try:
            finished = self._finished(worker, arrival)
        finally:
            worker.busy_since_s = None
        for done, frame in finished:
            with self._gate:
                if self._is_current(worker):
                    self._answer(done, frame)

    def _finished(self, worker: Worker,
                  arrival: Arrival) -> list[tuple[Arrival, ProtectedFrame]]:
        """Convert and protect; blank what does not convert."""
        message, started_s = arrival.message, self._clock()
        self._look_at(message)
        convert = to_rgb if isinstance(message, Image) else decode_compressed
        try:
            image = convert(message, self._values['guard.image_px_max'])
        except ImageError as error:
            return [(arrival, blank_frame(error.height_px, error.width_px,
                                          self._values['protection.fill_level'], error.reason,
                                          str(error)))]
        finally:
            arrival.latency_s['convert'] = self._clock() - started_s
        arrival.frame = Frame(image, arrival.received_s)
        worker.held.append(arrival)
        finished = []
        for frame, protected in worker.pipeline.process(arrival.frame):
            done = next(held for held in worker.held if held.frame is frame)
            worker.held.remove(done)
            finished.append((done, protected))
        return finished

    def _look_at(self, message: Image | CompressedImage) -> None:
        if self._values['guard.stuck_frames'] > 0:
            stamp = message.header.stamp
            checksum = zlib.crc32(message.data)
            with self._gate:
                self._guard.look_at(checksum, stamp.sec * SECOND_NS + stamp.nanosec)

    def _answer(self, arrival: Arrival, frame: ProtectedFrame) -> None:
        """Publish what the guard allows of a frame, and count it: the only place that does."""
        if arrival.ended:
            return
        now_s = self._clock()
        frame = self._guard.judge(frame, arrival.received_s, now_s)
        features = self._output.publish(frame, arrival.message, self.pipeline)
        done_s = self._clock()
        latency_s = {**arrival.latency_s, **frame.latency_s, 'publish': done_s - now_s,
                     'total': done_s - arrival.received_s}
        self._count(arrival, frame, features, latency_s)
        if frame.reason == Reason.OUT_OF_MEMORY:
            self._leave_full_device(done_s)

    def _blank(self, arrival: Arrival, reason: Reason, message: str) -> None:
        """Answer with a blank frame; where even that fails, withhold the frame."""
        level = self._values['protection.fill_level']
        try:
            size = picture_size(arrival.message, self._values['guard.image_px_max'])
            self._answer(arrival, blank_frame(*size, level, reason, message))
        except (RuntimeError, TypeError, ValueError, MemoryError) as error:
            text = f'frame withheld: {type(error).__name__}: {error}'
            self._reporter.log_error(text)
            self._count(arrival, blank_frame(0, 0, level, reason, text), 0, {})

    def _blank_due(self, arrival: Arrival) -> None:
        """Blank a frame that was not protected in time."""
        if self._crew.trouble:
            self._blank(arrival, self._crew.reason, self._crew.trouble)
        else:
            self._blank(arrival, Reason.LATE, f'not finished within guard.deadline_s = '
                                              f'{self._deadline_s:g} s')

    def _count(self, arrival: Arrival, frame: ProtectedFrame, features: int,
               latency_s: Mapping[str, float]) -> None:
        self._end(arrival)
        if self._reporter.status.finish(frame, arrival.message.header, features, latency_s):
            self._reporter.log_frame(frame.outcome)
        self._reporter.publish()

    def _end(self, arrival: Arrival) -> None:
        arrival.ended = True
        self._open.remove(arrival)

    def _fail(self, worker: Worker, arrival: Arrival | None, error: Exception) -> None:
        """Blank a frame whose work raised, which a pipeline never should."""
        text = f'{type(error).__name__}: {error}'
        with self._gate:
            if not self._is_current(worker):
                return
            self._reporter.log_error(text)
            if arrival is None:
                self._reporter.change(State.BLANKING, Reason.INTERNAL_ERROR,
                                      f'cannot build a fresh pipeline: {text}')
            elif not arrival.ended:
                self._blank(arrival, Reason.INTERNAL_ERROR, text)

    def _leave_full_device(self, now_s: float) -> None:
        """Go on with fresh networks on the CPU when another device has no memory left."""
        if self.pipeline is not None and self.pipeline.device != 'cpu':
            self._crew.move_to('cpu', now_s)
            self._change_worker()

    def _change_worker(self) -> None:
        """Blank what the old worker had begun, and hand the new one what waits."""
        self._reporter.log_error(self._crew.trouble)
        for arrival in [arrival for arrival in self._open if arrival.begun]:
            self._blank(arrival, self._crew.reason, self._crew.trouble)
        waiting = self._waiting()
        if waiting is not None:
            self._crew.current.thread.put(waiting)

    def _report_trouble(self, now_s: float) -> None:
        """Report why nothing is shown although no frame says so, and what a new worker uses."""
        reason, text = self._guard.silence(now_s)
        if self._crew.trouble:
            self._reporter.change(State.BLANKING, self._crew.reason, self._crew.trouble)
        elif reason != Reason.NONE:
            self._reporter.change(State.BLANKING, reason, f'no frame on {self._topic} {text}')
        if self.pipeline is not None:
            self._reporter.use(self.pipeline)
