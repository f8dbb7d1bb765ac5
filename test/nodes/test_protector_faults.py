"""Bad input and failing parts: blanked or withheld with a reason, and the node goes on."""
from __future__ import annotations

import array
import threading
from itertools import count

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Frame, ProtectedFrame
from latent_rag_ros.ros.images import to_jpeg, to_rgb

from .protector_bench import (HEIGHT, PERSON, WIDTH, Bench, KnownPersons, ProtectorBench,
                              header_of, message_of, noise)

BLANKING, PROTECTING = ProtectionStatus.STATE_BLANKING, ProtectionStatus.STATE_PROTECTING
MALFORMED = ProtectionStatus.REASON_MALFORMED_IMAGE
UNSUPPORTED = ProtectionStatus.REASON_UNSUPPORTED_ENCODING

WRONG = {
    'step too small': ({'step': 3 * WIDTH - 1}, True),
    'step too large': ({'step': 4 * WIDTH}, True),
    'step zero': ({'step': 0}, True),
    'data too short': ({'data': array.array('B', bytes(100))}, True),
    'data too long': ({'data': array.array('B', bytes(3 * WIDTH * HEIGHT + 1))}, True),
    'no data': ({'data': array.array('B')}, True),
    'height zero': ({'height': 0}, False),
    'width zero': ({'width': 0}, False),
    'all zero': ({'height': 0, 'width': 0, 'step': 0, 'data': array.array('B')}, False),
    'huge': ({'height': 65535, 'width': 65535}, False),
    'largest numbers': ({'height': 2**32 - 1, 'width': 2**32 - 1, 'step': 2**32 - 1}, False),
}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """Return a bench whose frames never are late, however slow the machine is."""
    patient = {'guard__deadline_s': 60.0, 'guard__hang_timeout_s': 120.0}
    return lambda detector=None, **parameters: bench(detector, **{**patient, **parameters})


def still_protects(protector: ProtectorBench, number: int) -> None:
    """Fail unless the next good frame is protected."""
    answer = protector.protect(message_of(number))
    assert answer.header == header_of(number)
    assert to_rgb(answer)[PERSON.slices].max() == 0
    assert protector.status.state == PROTECTING


@pytest.mark.parametrize('fault', WRONG)
def test_malformed_image_is_blanked_and_the_node_goes_on(bench: Bench, fault: str) -> None:
    change, publishable = WRONG[fault]
    protector = bench(KnownPersons(PERSON), protection__fill_level=7)
    message = message_of(1)
    for name, value in change.items():
        setattr(message, name, value)
    status = protector.show(message)
    assert (status.state, status.reason, status.frames_blanked) == (BLANKING, MALFORMED, 1)
    assert status.message
    if publishable:
        answer = protector.protect(message)
        assert set(answer.data) == {7} and len(answer.data) == 3 * WIDTH * HEIGHT
    answer = protector.protect(message_of(2))
    assert to_rgb(answer)[PERSON.slices].max() == 7
    assert all(set(image.data) == {7} for image in protector.images
               if image.header == header_of(1))


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1', 'mono16', 'nv12', '8UC3', '', 'nonsense'])
def test_unknown_encoding_is_blanked_with_its_reason(bench: Bench, encoding: str) -> None:
    protector = bench(KnownPersons(PERSON))
    message = message_of(1)
    message.encoding = encoding
    answer = protector.protect(message)
    assert (answer.encoding, answer.step, len(answer.data)) == (
        encoding, message.step, len(message.data))
    assert set(answer.data) == {0}
    assert (protector.status.state, protector.status.reason) == (BLANKING, UNSUPPORTED)
    still_protects(protector, 2)


@pytest.mark.parametrize('share', [0.0, 0.2, 0.7, 0.99])
def test_truncated_jpeg_is_blanked(bench: Bench, share: float) -> None:
    protector = bench(KnownPersons(PERSON), input__transport='compressed')
    message = to_jpeg(noise(1), header_of(1), 90)
    message.data = message.data[:int(len(message.data) * share)]
    status = protector.show(message)
    assert (status.state, status.frames_blanked) == (BLANKING, 1)
    assert status.reason in (MALFORMED, UNSUPPORTED)
    if share > 0.5:
        assert set(protector.protect(message).data) == {0}
    answer = protector.protect(to_jpeg(noise(2), header_of(2), 90))
    assert answer.header == header_of(2) and protector.status.state == PROTECTING


def test_file_that_is_no_picture_is_counted_and_nothing_is_published(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON), input__transport='compressed')
    status = protector.show(CompressedImage(
        header=header_of(1), format='jpeg', data=array.array('B', b'no picture' * 50)))
    assert (status.reason, status.frames_blanked, protector.images) == (UNSUPPORTED, 1, [])


def test_image_above_the_limit_is_refused(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON), guard__image_px_max=WIDTH * HEIGHT)
    status = protector.show(message_of(1, image=np.zeros((HEIGHT, WIDTH + 2, 3), np.uint8)))
    assert status.reason == MALFORMED and 'guard.image_px_max' in status.message
    still_protects(protector, 2)


def test_failing_detector_blanks_the_whole_frame(bench: Bench) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector)
    still_protects(protector, 1)
    detector.failing = True
    answer = protector.protect(message_of(2))
    assert set(answer.data) == {0}
    status = protector.status
    assert (status.state, status.reason) == (BLANKING, ProtectionStatus.REASON_DETECTOR_FAILED)
    assert 'NaN' in status.message
    detector.failing = False
    still_protects(protector, 3)
    assert (protector.status.frames_protected, protector.status.frames_blanked) == (2, 1)


def test_blanked_frames_carry_no_identities(bench: Bench) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector)
    detector.failing = True
    protector.protect(message_of(1))
    detector.failing = False
    protector.protect(message_of(2))
    protector.wait_for(lambda: protector.identities, 'identities')
    assert [message.header for message in protector.identities] == [header_of(2)]


def test_withheld_frames_are_counted_and_not_published(bench: Bench) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector, guard__blank_policy='withhold')
    detector.failing = True
    status = protector.show(message_of(1))
    assert (status.state, status.frames_blanked) == (BLANKING, 1)
    detector.failing = False
    still_protects(protector, 2)
    assert [image.header for image in protector.images] == [header_of(2)]


def test_unknown_error_in_the_pipeline_blanks_the_frame(bench: Bench) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector)
    detector.boxes = None
    answer = protector.protect(message_of(1))
    assert set(answer.data) == {0}
    assert protector.status.reason == ProtectionStatus.REASON_INTERNAL_ERROR
    detector.boxes = (PERSON,)
    still_protects(protector, 2)


class BrokenPersons(KnownPersons):
    """Stands before a pipeline that, against its word, raises or returns raw pixels."""

    def pipeline(self, values: dict[str, Value]) -> ProtectionPipeline:
        """Return a pipeline whose first two frames go wrong."""
        pipeline = super().pipeline(values)
        process, faults = pipeline.process, [lambda frame: [(frame, frame.image)], self._raise]
        pipeline.process = lambda frame: (faults.pop() if faults else process)(frame)
        return pipeline

    def _raise(self, frame: Frame) -> ProtectedFrame:
        raise MemoryError('out of memory')


def test_pipeline_that_raises_or_returns_raw_pixels_is_blanked(bench: Bench) -> None:
    protector = bench(BrokenPersons(PERSON))
    for number, error in enumerate(('MemoryError', 'ndarray'), 1):
        answer = protector.protect(message_of(number))
        status = protector.status
        assert status.reason == ProtectionStatus.REASON_INTERNAL_ERROR and error in status.message
        assert (status.state, status.frames_blanked) == (BLANKING, number)
        assert set(answer.data) == {0}
    still_protects(protector, 3)
    assert [image.header for image in protector.images] == [*map(header_of, (1, 2, 3))]


def test_hung_worker_is_answered_replaced_and_never_published(bench: Bench) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector, guard__deadline_s=1.0, guard__hang_timeout_s=1.5)
    hung = detector.gate = threading.Semaphore(0)
    answer = protector.protect(message_of(1))
    assert set(answer.data) == {0}
    assert (protector.status.state, protector.status.reason) == (BLANKING,
                                                                 ProtectionStatus.REASON_LATE)
    detector.gate = None
    protector.wait_for(lambda: protector.status.reason == ProtectionStatus.REASON_WORKER_HUNG,
                       'replacement')
    numbers = count(2)

    def protects() -> bool:
        protector.protect(message_of(next(numbers)))
        return protector.status.state == PROTECTING

    protector.wait_for(protects, 'recovery')
    hung.release()
    still_protects(protector, next(numbers))
    assert [image.header for image in protector.images].count(header_of(1)) == 1
    assert protector.status.frames_pending == 0


def test_silent_camera_is_noticed_and_its_return_too(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON), guard__input_timeout_s=0.5)
    protector.wait_for_state(BLANKING)
    assert protector.status.reason == ProtectionStatus.REASON_NO_INPUT
    still_protects(protector, 1)
    protector.wait_for_state(BLANKING)
    assert protector.status.reason == ProtectionStatus.REASON_STALE
    assert '/image_raw' in protector.status.message
    still_protects(protector, 2)


def test_random_messages_neither_leak_nor_stop_the_node(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON))
    random = np.random.default_rng(17)
    encodings = ['bgr8', 'mono8', 'yuv422', 'bayer_rggb8', '32FC1', 'x']
    for number in range(100):
        data = random.integers(1, 256, random.integers(0, 3000), np.uint8)
        message = Image(header=header_of(number), height=int(random.integers(0, 60)),
                        width=int(random.integers(0, 60)), step=int(random.integers(0, 200)),
                        encoding=encodings[number % 6], data=array.array('B', data.tobytes()))
        status = protector.show(message)
        assert status.frames_received == number + 1
        if status.frames_protected == 0:  # what is random does not fit together
            assert all(set(image.data) <= {0, 16, 128} for image in protector.images)
    still_protects(protector, 1000)
    assert protector.status.frames_blanked >= 90
