"""What comes out of the protector for what goes in: headers, pixels, counters, order."""
from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.types import Box
from latent_rag_ros.ros.encodings import ENCODINGS
from latent_rag_ros.ros.images import to_jpeg, to_rgb
from latent_rag_ros.ros.qos import STATUS

from .conftest import Graph
from .protector_bench import PERSON, Bench, KnownPersons, header_of, message_of, noise

LOSSLESS = ('rgb8', 'bgr8', 'rgba8', 'bgra8', 'mono8')


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """Return a bench whose frames never are late, however slow the machine is."""
    patient = {'guard__deadline_s': 60.0, 'guard__hang_timeout_s': 120.0}
    return lambda detector=None, **parameters: bench(detector, **{**patient, **parameters})


def region_and_rest(image: np.ndarray, person: Box = PERSON, border: int = 8) -> tuple:
    """Return the person's pixels, and those that are far enough not to be covered."""
    outside = np.ones(image.shape[:2], bool)
    outside[max(person.top - border, 0):person.bottom + border,
            max(person.left - border, 0):person.right + border] = False
    return image[person.slices], outside


def test_every_frame_comes_back_with_its_own_header(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON))
    for number in range(20):
        message = message_of(number)
        answer = protector.protect(message)
        assert answer.header == header_of(number)
        assert (answer.height, answer.width, answer.encoding, answer.step) == (
            message.height, message.width, 'bgr8', message.step)
    status = protector.status
    assert (status.frames_received, status.frames_protected, status.persons_protected) \
        == (20, 20, 20)
    assert status.frames_dropped == status.frames_blanked == status.frames_pending == 0
    assert len({(image.header.stamp.sec, image.header.frame_id) for image in protector.images}) \
        == len(protector.images) == 20


@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
def test_person_is_covered_and_the_rest_stays_in_every_encoding(
        bench: Bench, encoding: str) -> None:
    protector = bench(KnownPersons(PERSON))
    smooth = cv2.GaussianBlur(noise(1), (0, 0), 3)
    message = message_of(1, encoding, smooth)
    answer = protector.protect(message)
    assert answer.encoding == encoding
    before, after = to_rgb(message).astype(int), to_rgb(answer).astype(int)
    person, rest = region_and_rest(after)
    assert person.max() <= 2  # studio swing yuv decodes black to 0 .. 2
    inner = rest.copy()
    inner[:2], inner[-2:], inner[:, :2], inner[:, -2:] = False, False, False, False
    if encoding in LOSSLESS:
        assert np.array_equal(after[rest], before[rest])
    else:
        assert np.abs(after - before)[inner].max() <= 8


def test_frames_without_persons_pass_unchanged(bench: Bench) -> None:
    protector = bench(KnownPersons())
    answer = protector.protect(message_of(1))
    assert answer.data == message_of(1).data
    assert protector.status.state == ProtectionStatus.STATE_PROTECTING
    assert (answer.header, protector.status.persons_protected) == (header_of(1), 0)


def test_size_and_encoding_may_change_between_frames(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON))
    for number, (encoding, size) in enumerate([
            ('bgr8', (48, 64)), ('mono8', (60, 80)), ('rgb8', (48, 64))]):
        image = np.full((*size, 3), 128, np.uint8)
        answer = protector.protect(message_of(number, encoding, image))
        assert (answer.height, answer.width, answer.encoding) == (*size, encoding)


def test_newest_frame_wins_while_the_filter_is_busy(bench: Bench) -> None:
    detector = KnownPersons(PERSON)
    protector = bench(detector)
    detector.gate = threading.Semaphore(0)
    for number in range(1, 5):
        protector.send(message_of(number))
        protector.wait_for(lambda: protector.status.frames_received == number, 'reception')
        if number == 1:
            assert detector.begun.acquire(timeout=60)
    assert protector.status.frames_pending == 2 and protector.images == []
    for images in (1, 2):
        detector.gate.release()
        protector.wait_for(lambda: len(protector.images) == images, 'image')
    protector.wait_for(lambda: protector.status.frames_pending == 0, 'end of the work')
    assert [image.header for image in protector.images] == [header_of(1), header_of(4)]
    assert (protector.status.frames_dropped, protector.status.frames_protected) == (2, 2)


def test_compressed_input_becomes_bgr8_with_the_same_header(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON), input__transport='compressed')
    image = cv2.GaussianBlur(noise(1), (0, 0), 3)
    answer = protector.protect(to_jpeg(image, header_of(3), 95))
    assert (answer.header, answer.encoding) == (header_of(3), 'bgr8')
    person, rest = region_and_rest(to_rgb(answer))
    assert person.max() == 0
    assert np.abs(to_rgb(answer).astype(int) - image)[rest].mean() < 4


def test_camera_info_is_published_with_the_header_of_the_frame(
        bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons())
    infos = graph.collect(CameraInfo, 'protected/camera_info')
    camera = graph.publisher(CameraInfo, 'camera_info')
    for number in range(200):  # camera_info is best effort: some may be lost at the start
        camera.publish(CameraInfo(height=48, width=64, distortion_model='plumb_bob', d=[0.5] * 5))
        protector.protect(message_of(number))
        if infos:
            break
    protector.wait_for(lambda: infos, 'camera_info')
    assert infos[-1].header in [image.header for image in protector.images]
    assert (infos[-1].distortion_model, list(infos[-1].d)) == ('plumb_bob', [0.5] * 5)


def test_jpeg_and_overlay_show_protected_pixels_to_their_subscribers(
        bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON))
    jpegs = graph.collect(CompressedImage, 'protected/image/compressed')
    overlays = graph.collect(Image, 'protected/overlay')
    for topic in ('/protected/image/compressed', '/protected/overlay'):
        protector.wait_for(lambda: any(
            publisher.topic_name == topic and publisher.get_subscription_count()
            for publisher in protector.node.publishers), topic)
    protector.protect(message_of(1))
    protector.wait_for(lambda: jpegs and overlays, 'jpeg and overlay')
    assert jpegs[0].header == overlays[0].header == header_of(1)
    decoded = cv2.imdecode(np.frombuffer(jpegs[0].data, np.uint8), cv2.IMREAD_COLOR)
    assert decoded[PERSON.top + 4:PERSON.bottom - 4, PERSON.left + 4:PERSON.right - 4].max() < 40
    overlay, raw = to_rgb(overlays[0]), noise(1)
    same = (overlay == raw).all(axis=2)[PERSON.slices]
    assert overlays[0].encoding == 'bgr8' and not same.any()


def test_diagnostics_come_with_counters_and_device(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON))
    reports = graph.collect(DiagnosticArray, '/diagnostics')
    protector.protect(message_of(1))

    def values() -> dict[str, str]:
        return {pair.key: pair.value for pair in reports[-1].status[0].values} if reports else {}

    protector.wait_for(lambda: values().get('frames_protected') == '1', 'diagnostics')
    assert reports[-1].status[0].level == DiagnosticStatus.OK
    assert values()['device'] == 'cpu' and 'latency_ms.total' in values()


def test_latency_is_reported_stage_by_stage(bench: Bench) -> None:
    protector = bench(KnownPersons(PERSON))
    status = protector.show(message_of(1))
    stages = dict(zip(status.latency_stages, status.latency_ms))
    assert list(stages)[0] == 'convert' and list(stages)[-2:] == ['publish', 'total']
    assert {'detect', 'track', 'erase', 'composite'} <= set(stages)
    parts = sum(stages.values()) - stages['total']
    assert 0 < parts <= stages['total']


def test_late_joiner_gets_the_last_status(bench: Bench, graph: Graph) -> None:
    protector = bench(KnownPersons(PERSON))
    protector.protect(message_of(1))
    assert protector.status.schema_version == ProtectionStatus.SCHEMA_VERSION
    late = graph.collect(ProtectionStatus, 'protection_status', STATUS)
    protector.wait_for(lambda: late, 'latched status')
    assert late[0].frames_protected == 1
