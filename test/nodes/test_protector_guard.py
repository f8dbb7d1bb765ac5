"""Deadlines, hung and dying workers, full memory: with a clock the test moves."""
from __future__ import annotations

import threading
from itertools import count

import numpy as np
import pytest

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.states import State
from latent_rag_ros.protection.types import Frame, Outcome, ProtectedFrame, Reason
from latent_rag_ros.ros.images import to_jpeg

from .guard_bench import NewBench, guarded, workers
from .protector_bench import PERSON, KnownPersons, header_of, message_of, noise

__all__ = ['guarded']  # a fixture: pytest finds it by its name here

DEADLINE_S, HANG_S, BEFORE_S = 2.0, 10.0, 1.9  # the guard answers a little before the deadline


def test_states_have_the_numbers_of_the_message() -> None:
    assert {state.name: state.value for state in State} == {
        name[6:]: getattr(ProtectionStatus, name) for name in dir(ProtectionStatus)
        if name.startswith('STATE_')}


def test_frame_in_work_is_blanked_before_its_deadline_and_its_result_discarded(
        guarded: NewBench) -> None:
    bench = guarded()
    began_s = bench.clock()
    gate = bench.hang(message_of(1))
    bench.move(BEFORE_S)
    assert bench.answers.rows == []
    bench.move(DEADLINE_S - BEFORE_S)
    (number, outcome, reason, at_s), = bench.answers.rows
    assert (number, outcome, reason) == (1, Outcome.BLANKED, Reason.LATE)
    assert at_s - began_s <= DEADLINE_S
    assert bench.state == (State.BLANKING, Reason.LATE)
    bench.detector.gate = None
    gate.release()
    assert bench.protect(message_of(2)) == Reason.NONE  # the same worker: it has ended frame 1
    assert bench.answers.ends == [(1, Reason.LATE), (2, Reason.NONE)]
    assert bench.state == (State.PROTECTING, Reason.NONE) and bench.counts == (2, 1, 1, 0)


def test_the_next_check_is_asked_for_when_the_next_frame_is_due(guarded: NewBench) -> None:
    bench = guarded()
    gate = bench.hang(message_of(1))
    bench.clock.now_s += 1.5
    assert 0 < bench.run.check() < DEADLINE_S - 1.5
    assert bench.run.check_period_s <= 0.2
    gate.release()
    assert guarded(guard__deadline_s=0.05).run.check_period_s <= 0.05


def test_frame_that_ends_late_is_blanked_even_when_nobody_looked(guarded: NewBench) -> None:
    bench = guarded()
    gate = bench.hang(message_of(1))
    bench.clock.now_s += DEADLINE_S
    gate.release()
    bench.wait_for(lambda: bench.answers.rows, 'answer')
    assert bench.answers.ends == [(1, Reason.LATE)]


def test_frame_that_waits_is_blanked_at_its_own_deadline(guarded: NewBench) -> None:
    bench = guarded()
    gate = bench.hang(message_of(1))
    bench.clock.now_s += 1.0
    bench.run.receive(message_of(2))
    bench.move(1.0)
    assert bench.answers.ends == [(1, Reason.LATE)]
    bench.move(1.0)
    assert bench.answers.ends == [(1, Reason.LATE), (2, Reason.LATE)]
    gate.release(2)
    bench.detector.gate = None
    assert bench.protect(message_of(3)) == Reason.NONE
    assert bench.counts == (3, 1, 2, 0)


def test_blanked_view_goes_on_at_the_pace_of_the_camera_while_the_worker_hangs(
        guarded: NewBench) -> None:
    bench = guarded()
    gate = bench.hang(message_of(1))
    bench.run.receive(message_of(2))
    bench.run.receive(message_of(3))  # in time: 2 is dropped
    bench.move(DEADLINE_S)
    for number in range(4, 8):
        bench.clock.now_s += 0.03
        bench.run.receive(message_of(number))
    assert [number for number, _ in bench.answers.ends] == [1, 3, 4, 5, 6]
    assert bench.counts == (7, 0, 5, 1)
    gate.release(10)
    bench.detector.gate = None
    bench.wait_for(lambda: bench.answers.ends[-1] == (7, Reason.NONE), 'recovery')


def test_hung_worker_is_replaced_and_can_never_publish(guarded: NewBench) -> None:
    bench = guarded()
    gate = bench.hang(message_of(1))
    hung = bench.run.pipeline
    bench.move(DEADLINE_S)
    bench.move(HANG_S - DEADLINE_S)
    assert bench.devices == []
    bench.detector.gate = None
    bench.move(0.1)
    assert bench.state == (State.BLANKING, Reason.WORKER_HUNG)
    bench.wait_for(lambda: bench.run.pipeline not in (None, hung), 'fresh pipeline')
    assert bench.protect(message_of(2)) == Reason.NONE
    assert workers() == 2
    gate.release()
    bench.wait_for(lambda: workers() == 1, 'end of the hung worker')
    assert bench.answers.ends == [(1, Reason.LATE), (2, Reason.NONE)]
    assert bench.counts == (2, 1, 1, 0) and bench.devices == [None]


def test_frame_that_waits_for_a_hung_worker_is_protected_by_the_next_one(
        guarded: NewBench) -> None:
    bench = guarded()
    gate = bench.hang(message_of(1))
    bench.clock.now_s += HANG_S
    bench.run.receive(message_of(2))
    bench.detector.gate = None
    bench.move(0.1)
    bench.wait_for(lambda: len(bench.answers.rows) == 2, 'two answers')
    assert bench.answers.ends == [(1, Reason.WORKER_HUNG), (2, Reason.NONE)]
    gate.release()


def test_frames_are_blanked_while_fresh_networks_are_loaded(guarded: NewBench) -> None:
    bench = guarded()
    gate, loading = bench.hang(message_of(1)), threading.Semaphore(0)
    make = bench.make
    bench.make = lambda: make() if loading.acquire(timeout=60) else None
    bench.detector.gate = None
    bench.move(HANG_S + 0.1)
    for number in (2, 3):
        bench.run.receive(message_of(number))
    bench.move(DEADLINE_S)
    assert bench.answers.ends == [(number, Reason.WORKER_HUNG) for number in (1, 2, 3)]
    loading.release()
    bench.wait_for(lambda: bench.run.pipeline is not None, 'fresh pipeline')
    bench.move(0.1)
    assert bench.protect(message_of(4)) == Reason.NONE
    gate.release()


def test_hung_workers_are_bounded_and_it_recovers_when_one_ends(guarded: NewBench) -> None:
    bench = guarded(guard__abandoned_workers_max=1)
    first = bench.hang(message_of(1))
    bench.move(HANG_S + 0.1)
    bench.wait_for(lambda: bench.run.pipeline is not None, 'fresh pipeline')
    second = bench.hang(message_of(2))
    for _ in range(3):
        bench.move(HANG_S + 0.1)
    assert workers() == 2 and bench.devices == [None]
    assert bench.state == (State.BLANKING, Reason.WORKER_HUNG)
    assert 'configured again' in bench.reports.status.text
    bench.detector.gate = None
    bench.run.receive(message_of(3))
    bench.move(DEADLINE_S)
    assert bench.answers.ends[-1] == (3, Reason.WORKER_HUNG)
    first.release()
    bench.wait_for(lambda: workers() == 1, 'end of the first')
    bench.move(0.1)
    bench.wait_for(lambda: bench.run.pipeline is not None and len(bench.devices) == 2, 'fresh')
    assert bench.protect(message_of(4)) == Reason.NONE
    second.release()


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_worker_that_dies_is_replaced_but_not_in_a_loop(guarded: NewBench) -> None:
    class Exits(KnownPersons):
        def detect(self, image: object) -> list:
            if self.failing:
                raise SystemExit
            return super().detect(image)

    bench = guarded(Exits(PERSON))
    for number, pause_s in ((1, 0.1), (2, HANG_S)):
        bench.detector.failing = True
        bench.run.receive(message_of(number))
        bench.wait_for(lambda: workers() == 0, 'death')
        bench.move(pause_s)
        assert bench.answers.ends[-1] == (number, Reason.WORKER_HUNG)
        assert bench.state == (State.BLANKING, Reason.WORKER_HUNG)
        bench.wait_for(lambda: bench.run.pipeline is not None, 'fresh pipeline')
        bench.move(0.0)
    bench.run.receive(message_of(3))
    bench.wait_for(lambda: workers() == 0, 'death')
    bench.move(0.1)
    assert len(bench.devices) == 2, 'a worker that dies at once is not replaced at once'
    bench.detector.failing = False
    bench.move(HANG_S)
    bench.wait_for(lambda: bench.run.pipeline is not None and len(bench.devices) == 3, 'fresh')
    assert bench.protect(message_of(4)) == Reason.NONE


def test_networks_that_do_not_load_again_are_tried_again(guarded: NewBench) -> None:
    bench = guarded()
    gate, make, tries = bench.hang(message_of(1)), bench.make, count()

    def failing_once() -> ProtectionPipeline:
        if next(tries) == 0:
            raise RuntimeError('weights vanished')
        return make()

    bench.make, bench.detector.gate = failing_once, None
    bench.move(HANG_S + 0.1)
    bench.wait_for(lambda: bench.reports.errors[-1].endswith('weights vanished'), 'failure')
    bench.wait_for(lambda: workers() == 1, 'end of the worker')
    bench.move(HANG_S)
    bench.wait_for(lambda: bench.run.pipeline is not None, 'fresh pipeline')
    assert bench.protect(message_of(2)) == Reason.NONE
    gate.release()


def test_full_memory_of_a_device_moves_the_networks_to_the_cpu(guarded: NewBench) -> None:
    bench = guarded()
    whole = bench.run.pipeline.process

    def full(frame: Frame) -> list[tuple[Frame, ProtectedFrame]]:
        return [(frame, bench.run.pipeline.blank(48, 64, Reason.OUT_OF_MEMORY, 'full'))]

    bench.run.pipeline.device, bench.run.pipeline.process = 'cuda:0', full
    assert bench.protect(message_of(1)) == Reason.OUT_OF_MEMORY
    bench.wait_for(lambda: bench.devices == ['cpu'] and bench.run.pipeline is not None, 'cpu')
    bench.move(0.1)
    assert bench.protect(message_of(2)) == Reason.NONE
    assert bench.reports.device == 'cpu' and bench.state == (State.PROTECTING, Reason.NONE)
    bench.run.pipeline.process = full  # no device is left: nothing moves
    assert bench.protect(message_of(3)) == Reason.OUT_OF_MEMORY
    bench.run.pipeline.process = whole
    assert bench.protect(message_of(4)) == Reason.NONE and bench.devices == ['cpu']


class LookingAhead(KnownPersons):
    """Stands before a pipeline that finishes a frame when the next one comes."""

    def pipeline(self, values: dict) -> ProtectionPipeline:
        """Return the pipeline that holds one frame back."""
        pipeline, held = super().pipeline(values), []

        def process(frame: Frame) -> list[tuple[Frame, ProtectedFrame]]:
            held.append(frame)
            if len(held) == 1:
                return []
            done = held.pop(0)
            return [(done, pipeline.protect(done))]

        pipeline.process = process
        return pipeline


def test_frames_that_a_pipeline_holds_back_keep_their_headers_and_deadlines(
        guarded: NewBench) -> None:
    bench = guarded(LookingAhead(PERSON))
    bench.run.receive(message_of(1))
    bench.wait_for(lambda: bench.run._open[0].frame is not None, 'frame 1 in the pipeline')
    bench.run.receive(message_of(2))
    bench.wait_for(lambda: bench.answers.ends == [(1, Reason.NONE)], 'frame 1 by frame 2')
    bench.move(DEADLINE_S)
    assert bench.answers.ends[1:] == [(2, Reason.LATE)]
    bench.run.receive(message_of(3))  # ends frame 2 in the pipeline, which is answered already
    bench.wait_for(lambda: bench.run._open and bench.run._open[0].frame is not None, 'frame 3')
    bench.run.receive(message_of(4))
    bench.wait_for(lambda: bench.answers.ends[2:] == [(3, Reason.NONE)], 'frame 3 by frame 4')
    bench.run.close()
    assert bench.counts == (4, 2, 1, 1)


def test_compressed_frame_is_blanked_in_its_own_size(guarded: NewBench) -> None:
    bench = guarded()
    shapes = []
    publish = bench.answers.publish

    def measured(frame: ProtectedFrame, *rest: object) -> int:
        shapes.append(frame.image.shape)
        return publish(frame, *rest)

    bench.answers.publish = measured
    gate = bench.hang(to_jpeg(noise(1), header_of(1), 90))
    bench.run.receive(to_jpeg(noise(2), header_of(2), 90))
    bench.move(DEADLINE_S)
    assert shapes == [(48, 64, 3)] * 2
    gate.release(2)


def test_answer_that_cannot_be_published_is_withheld_and_counted(guarded: NewBench) -> None:
    bench = guarded()
    publish = bench.answers.publish

    def broken(*answer: object) -> int:
        raise RuntimeError('no memory for the message')

    bench.answers.publish = broken
    bench.run.receive(message_of(1))
    bench.wait_for(lambda: bench.counts == (1, 0, 1, 0), 'count')
    assert 'frame withheld' in bench.reports.status.text
    bench.answers.publish = publish
    assert bench.protect(message_of(2)) == Reason.NONE


def test_counters_add_up_when_bursts_meet_deadlines_and_hangs(guarded: NewBench) -> None:
    bench = guarded(guard__abandoned_workers_max=16, guard__fault_frames_max=1000,
                    guard__fault_window_frames=1)
    random, numbers, gates = np.random.default_rng(5), count(1), []
    for step in range(60):
        if step % 12 == 3:
            gates.append(bench.hang(message_of(next(numbers))))
        for _ in range(random.integers(0, 20)):
            bench.run.receive(message_of(next(numbers)))
        if step % 12 == 9:
            bench.detector.gate = None
            bench.move(HANG_S + 0.1)
        bench.move(float(random.choice([0.0, 0.1, 1.0, 2.5])))
    for gate in gates:
        gate.release(1000)
    bench.wait_for(lambda: workers() <= 1, 'end of the hung')
    bench.move(20.0)
    received, protected, blanked, dropped = bench.counts
    sent = next(numbers) - 1
    assert (received, protected + blanked + dropped) == (sent, sent)
    answered = [number for number, _ in bench.answers.ends]
    assert len(answered) == len(set(answered)) == protected + blanked


def test_nothing_is_answered_after_the_end(guarded: NewBench) -> None:
    bench = guarded()
    gate = bench.hang(message_of(1))
    bench.run.receive(message_of(2))
    bench.run.close()
    bench.run.receive(message_of(3))
    bench.move(HANG_S + DEADLINE_S)
    gate.release(3)
    bench.wait_for(lambda: workers() == 0, 'end of the worker')
    assert bench.answers.rows == [] and bench.counts == (2, 0, 0, 2)
