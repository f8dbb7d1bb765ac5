"""Networks that raise, hang, run out of memory or answer nonsense, inside the running node."""
from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from nodes.protector_bench import HEIGHT, WIDTH, Bench, ProtectorBench, header_of

from latent_rag_ros.engine.runner import RunnerError
from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.parameters import PROTECTOR, Value, checked_values
from latent_rag_ros.perception.detector import checked_detections
from latent_rag_ros.protection.assembly import Parts, assemble
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box, Detection, ImageArray
from latent_rag_ros.ros.images import to_rgb

from .marked import (BLANKING, DEGRADED, PROTECTING, MarkedPersons, assert_nothing_leaked,
                     assert_recovered, marked, shot)

REASON = ProtectionStatus
BATCH_OOM = torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')
TALL, CAMERA_PX = Box(30, 20, 90, 180), (200, 160)


class FaultyPersons(MarkedPersons):
    """A detector whose network answers what a test wants it to."""

    def __init__(self, fault: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None) -> None:
        super().__init__()
        self.fault = fault

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the marked persons, or what the faulty network makes of the image."""
        found = super().detect(image)
        return found if self.fault is None else checked_detections(
            *self.fault(), *image.shape[:2])


def raising(error: BaseException) -> Callable[..., object]:
    """Return a function that raises."""
    def function(*_: object, **__: object) -> object:
        raise error
    return function


def answer_of(boxes: list[list[float]], scores: list[float]) -> Callable[[], tuple]:
    """Return a network that always gives these boxes."""
    return lambda: (np.array(boxes, float).reshape(-1, 4), np.array(scores, float))


DETECTOR_FAULTS = {
    'raises': (raising(RuntimeError('lost device')), REASON.REASON_INTERNAL_ERROR),
    'out of memory': (raising(MemoryError()), REASON.REASON_OUT_OF_MEMORY),
    'out of device memory': (raising(BATCH_OOM), REASON.REASON_OUT_OF_MEMORY),
    'box is NaN': (answer_of([[1, 1, np.nan, 9]], [0.9]), REASON.REASON_DETECTOR_FAILED),
    'box is infinite': (answer_of([[1, 1, np.inf, 9]], [0.9]), REASON.REASON_DETECTOR_FAILED),
    'box is inside out': (answer_of([[9, 9, 1, 1]], [0.9]), REASON.REASON_DETECTOR_FAILED),
    'score is NaN': (answer_of([[1, 1, 9, 9]], [np.nan]), REASON.REASON_DETECTOR_FAILED),
    'score is negative': (answer_of([[1, 1, 9, 9]], [-0.1]), REASON.REASON_DETECTOR_FAILED),
    '100000 boxes': (answer_of([[1, 1, 9, 9]] * 100_000, [0.9] * 100_000),
                     REASON.REASON_DETECTOR_FAILED),
}


@pytest.mark.parametrize('fault', DETECTOR_FAULTS)
def test_frame_is_blank_when_the_detector_fails_and_the_next_one_is_protected(
        bench: Bench, fault: str) -> None:
    network, reason = DETECTOR_FAULTS[fault]
    detector = FaultyPersons()
    protector = bench(detector)
    protector.protect(shot(1))
    detector.fault = network
    answer = protector.protect(shot(2))
    assert set(answer.data) == {0}
    assert (protector.status.state, protector.status.reason) == (BLANKING, reason)
    assert protector.status.message
    detector.fault = None
    assert_recovered(protector, 3)
    assert (protector.status.frames_protected, protector.status.frames_blanked) == (2, 1)


def test_boxes_outside_the_image_are_no_persons_and_a_tracked_one_stays_covered(
        bench: Bench) -> None:
    detector = FaultyPersons()
    protector = bench(detector)
    protector.protect(shot(1))
    detector.fault = answer_of([[-500, -500, -400, -400], [WIDTH, HEIGHT, WIDTH + 9, HEIGHT + 9]],
                               [0.9, 0.9])
    protector.protect(shot(2))
    assert protector.status.persons_protected == 2
    detector.fault = answer_of([[-500, -500, 500, 500]], [0.9])  # larger than the image
    assert set(protector.protect(shot(3)).data) == {0}
    detector.fault = None
    protector.protect(shot(4))
    assert_nothing_leaked(protector)


def test_missed_person_is_covered_for_as_long_as_the_memory_says(bench: Bench) -> None:
    detector = MarkedPersons()
    protector = bench(detector, tracker__memory_frames=5, tracker__memory_s=60.0)
    protector.protect(shot(0))
    detector.blind = True
    for number in range(1, 6):
        protector.protect(shot(number))
    assert_nothing_leaked(protector)
    assert protector.status.persons_protected == 6


@pytest.fixture(scope='module')
def parts() -> Parts:
    """The shipped networks, without refinement, behind limits that any other picture passes."""
    return assemble(checked_values(PROTECTOR, {
        'device': 'cpu', 'identity.cosine_min': -1.0, 'latent_rag.iterations': 0}))


@pytest.fixture
def latent_rag_bench(bench: Bench, parts: Parts) -> Callable[[], ProtectorBench]:
    """Return what starts a protector with the shipped networks behind marked persons.

    Every frame needs every network: what is kept of a track would hide that one has failed.
    """
    def pipeline(values: dict[str, Value]) -> ProtectionPipeline:
        return ProtectionPipeline(
            replace(parts, detector=MarkedPersons(), masker=None, turns=None),
            {**values, 'detector.every_frames': 1})

    class Source:
        def __init__(self) -> None:
            self.pipeline = pipeline

    return lambda **given: bench(Source(), identity__cosine_min=-1.0, identity__every_frames=1,
                                 protection__patch_frames=1, **given)


def persons_are_solid(protector: ProtectorBench, number: int) -> bool:
    """Return whether the person of a shot comes back in the fill colour."""
    answer = to_rgb(protector.protect(shot(number, TALL, size=CAMERA_PX)))
    assert not marked(answer).any()
    return bool((answer[TALL.slices] == 0).all())


FAILED = REASON.REASON_GENERATOR_FAILED
GENERATOR_FAULTS = {
    'raises': (raising(RuntimeError('lost device')), DEGRADED, FAILED),
    'engine fails': (raising(RunnerError('shape mismatch')), DEGRADED, FAILED),
    'out of memory': (raising(MemoryError()), DEGRADED, FAILED),
    'out of device memory': (raising(BATCH_OOM), DEGRADED, REASON.REASON_OUT_OF_MEMORY),
    'not finite': (lambda codes: torch.full((len(codes), 3, 128, 64), float('nan')),
                   DEGRADED, FAILED),
    'too few pictures': (lambda codes: torch.zeros(0, 3, 128, 64), DEGRADED, FAILED),
    'too small': (lambda codes: torch.zeros(len(codes), 3, 12, 6), DEGRADED, FAILED),
    'grey': (lambda codes: torch.zeros(len(codes), 1, 128, 64), DEGRADED, FAILED),
    'no pictures': (lambda codes: None, BLANKING, REASON.REASON_INTERNAL_ERROR),
}


@pytest.mark.parametrize('fault', GENERATOR_FAULTS)
def test_person_is_solid_or_blank_when_the_generator_fails_and_synthetic_again_later(
        latent_rag_bench: Callable, parts: Parts, monkeypatch: pytest.MonkeyPatch,
        fault: str) -> None:
    network, state, reason = GENERATOR_FAULTS[fault]
    protector = latent_rag_bench()
    assert not persons_are_solid(protector, 1)
    monkeypatch.setattr(parts.method._replacer, 'generator', network)
    assert persons_are_solid(protector, 2)
    assert (protector.status.state, protector.status.reason) == (state, reason)
    monkeypatch.undo()
    protector.protect(shot(3, TALL, size=CAMERA_PX))
    assert not persons_are_solid(protector, 4)
    assert_nothing_leaked(protector)


def test_person_is_solid_when_the_picture_made_is_the_input_itself(
        latent_rag_bench: Callable, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    protector, seen, patches = latent_rag_bench(), [], parts.method.patches

    def remembering(persons: list, *rest: object) -> list:
        seen[:] = [person.crop for person in persons]
        return patches(persons, *rest)

    monkeypatch.setattr(parts.method, 'patches', remembering)
    monkeypatch.setattr(parts.method._replacer, 'synthesise', lambda codes: torch.stack(seen))
    assert persons_are_solid(protector, 1)
    assert (protector.status.state, protector.status.reason) == (
        DEGRADED, REASON.REASON_NOT_VERIFIED)
    monkeypatch.undo()
    protector.protect(shot(2, TALL, size=CAMERA_PX))
    assert not persons_are_solid(protector, 3)


@pytest.mark.parametrize(('error', 'reason'), [
    (BATCH_OOM, REASON.REASON_OUT_OF_MEMORY), (MemoryError(), REASON.REASON_EMBEDDER_FAILED),
    (RuntimeError('lost device'), REASON.REASON_EMBEDDER_FAILED)],
    ids=('device memory', 'memory', 'device lost'))
def test_person_is_solid_and_anonymous_when_the_embedder_fails(
        latent_rag_bench: Callable, parts: Parts, monkeypatch: pytest.MonkeyPatch,
        error: Exception, reason: int) -> None:
    protector = latent_rag_bench()
    monkeypatch.setattr(parts.embedder, 'embed', raising(error))
    assert persons_are_solid(protector, 1)
    assert (protector.status.state, protector.status.reason) == (DEGRADED, reason)
    assert protector.status.identities_published == 0
    monkeypatch.undo()
    assert not persons_are_solid(protector, 2)
    assert protector.status.identities_published == 1


def test_device_that_is_used_is_published(bench: Bench) -> None:
    protector = bench(MarkedPersons())
    protector.protect(shot(1))
    assert protector.status.device == 'cpu'

def test_hung_network_is_blanked_given_up_and_replaced(bench: Bench) -> None:
    detector = FaultyPersons()
    protector = bench(detector, guard__deadline_s=1.0, guard__hang_timeout_s=1.5)
    detector.gate = threading.Semaphore(0)
    protector.send(shot(1))
    assert detector.begun.acquire(timeout=60)
    protector.wait_for(lambda: [image.header for image in protector.images] == [header_of(1)],
                       'blank image')
    assert set(protector.images[0].data) == {0} and protector.status.state == BLANKING
    protector.wait_for(lambda: protector.status.reason == REASON.REASON_WORKER_HUNG
                       or protector.status.frames_pending == 0, 'replacement')
    hung, detector.gate = detector.gate, None
    assert_protected_again(protector, 2)
    hung.release()
    assert_protected_again(protector, 3)
    assert [image.header for image in protector.images].count(header_of(1)) == 1


@pytest.mark.filterwarnings('ignore::pytest.PytestUnhandledThreadExceptionWarning')
def test_worker_that_dies_is_replaced(bench: Bench) -> None:
    detector = FaultyPersons(raising(SystemExit('a library ended the thread')))
    protector = bench(detector, guard__deadline_s=1.0, guard__hang_timeout_s=1.0)
    answer = protector.protect(shot(1))
    assert set(answer.data) == {0} and protector.status.state == BLANKING
    detector.fault = None
    assert_protected_again(protector, 2)


def assert_protected_again(protector: ProtectorBench, number: int) -> None:
    """Send frames until one is protected: a slow machine may miss short deadlines at first."""
    numbers = iter(range(100 * number, 100 * number + 99))
    protector.protect(shot(next(numbers)))
    while protector.status.state != PROTECTING:
        protector.protect(shot(next(numbers)))
    assert_nothing_leaked(protector)
