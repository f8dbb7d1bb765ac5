"""Cameras that are off, stuck, garbage, wrong, slow, delayed or intermittent, over real DDS."""
from __future__ import annotations

import array
import threading

import numpy as np
import pytest
from nodes.conftest import Graph
from nodes.protector_bench import (HEIGHT, PERSON, WIDTH, Bench, ProtectorBench, header_of,
                                   message_of)
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Image

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.types import Box
from latent_rag_ros.ros.images import to_rgb

from .marked import (BLANKING, DEGRADED, PROTECTING, MarkedPersons, assert_nothing_leaked,
                     assert_recovered, marked, scene, shot)

STALE = ProtectionStatus.REASON_STALE
MALFORMED = ProtectionStatus.REASON_MALFORMED_IMAGE
ELSEWHERE = Box(2, 4, 14, 20)  # too small to pass for the other person, however time jitters
BURST_FRAMES = 1000


def wait_for_end_of_work(protector: ProtectorBench) -> ProtectionStatus:
    """Return the status once nothing is pending; its counters add up then."""
    protector.wait_for(lambda: protector.status.frames_received
                       and protector.status.frames_pending == 0, 'end of the work')
    status = protector.status
    assert status.frames_received == (status.frames_protected + status.frames_blanked
                                      + status.frames_dropped)
    return status


def outside_of(*boxes: Box, size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Return where an image is far enough from all boxes not to be covered."""
    rest = np.ones(size, bool)
    for box in boxes:
        rest[max(box.top - 6, 0):box.bottom + 6, max(box.left - 6, 0):box.right + 6] = False
    return rest


def test_camera_off_blanks_and_its_return_in_another_quality_recovers(
        bench: Bench, graph: Graph) -> None:
    protector = bench(MarkedPersons(), guard__input_timeout_s=0.5)
    camera = graph.publisher(Image, 'image_raw', QoSProfile(depth=5))
    protector.wait_for_discovery()
    camera.publish(shot(1))
    protector.wait_for(lambda: protector.status.header == header_of(1), 'frame')
    assert protector.status.state == PROTECTING
    graph.node.destroy_publisher(camera)
    protector.wait_for_state(BLANKING)
    assert protector.status.reason == STALE and '/image_raw' in protector.status.message
    camera = graph.node.create_publisher(Image, 'image_raw', QoSProfile(
        depth=5, reliability=ReliabilityPolicy.BEST_EFFORT))

    def answered() -> bool:  # best effort: sent until one arrives
        camera.publish(shot(2))
        return protector.status.header == header_of(2)

    protector.wait_for(answered, 'frame of the new camera')
    protector.wait_for(lambda: protector.status.state == PROTECTING, 'recovery')
    assert_nothing_leaked(protector)
    wait_for_end_of_work(protector)


def test_camera_stuck_on_one_frame_is_reported_and_stays_protected(bench: Bench) -> None:
    protector = bench(MarkedPersons(), guard__stuck_frames=20)
    protector.protect(shot(1))
    for count in range(2, 31):
        protector.send(shot(1))
        protector.wait_for(lambda: protector.status.frames_received == count, 'reception')
    status = wait_for_end_of_work(protector)
    assert (status.frames_received, status.frames_blanked, status.header) == (30, 0, header_of(1))
    assert {image.header.frame_id for image in protector.images} == {header_of(1).frame_id}
    assert (status.state, status.reason) == (DEGRADED, ProtectionStatus.REASON_SOURCE_STUCK)
    assert_recovered(protector, 2)


def test_camera_of_garbage_shows_no_pixel_of_what_looks_like_a_person(bench: Bench) -> None:
    protector = bench(MarkedPersons())
    random = np.random.default_rng(23)
    for number in range(10):
        image = random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        assert marked(image).any()
        protector.protect(message_of(number, image=image))
    assert wait_for_end_of_work(protector).frames_received == 10
    assert_recovered(protector, 10)


@pytest.mark.parametrize('change', [
    {'is_bigendian': 1}, {'step': 3 * WIDTH - 1}, {'step': 2 ** 32 - 1}, {'height': 0},
    {'height': 2 ** 32 - 1, 'width': 2 ** 32 - 1}, {'data': array.array('B', b'\xff' * 7)},
    {'encoding': 'bgr16'}, {'encoding': 'yuv422', 'width': 2 * WIDTH}, {'width': 0}],
    ids=lambda change: '-'.join(change))
def test_camera_with_wrong_fields_is_answered_and_nothing_leaks(
        bench: Bench, change: dict[str, object]) -> None:
    protector = bench(MarkedPersons())
    message = shot(1)
    for name, value in change.items():
        setattr(message, name, value)
    status = protector.show(message)
    assert (status.state == PROTECTING) == ('is_bigendian' in change)
    assert status.frames_received == status.frames_protected + status.frames_blanked == 1
    assert_recovered(protector, 2)


def test_slow_camera_is_told_from_one_that_is_off_by_every_frame(bench: Bench) -> None:
    protector = bench(MarkedPersons(), guard__input_timeout_s=0.3)
    for number in range(3):
        protector.show(shot(number))
        assert protector.status.state == PROTECTING
        protector.wait_for_state(BLANKING)
        assert protector.status.reason == STALE
    assert_recovered(protector, 3)


@pytest.mark.parametrize('sec', [0, 1, 2 ** 31 - 1], ids=['zero', 'long ago', 'far future'])
def test_delayed_stamps_come_back_unchanged_or_blanked(bench: Bench, sec: int) -> None:
    protector = bench(MarkedPersons())
    protector.protect(shot(1))
    message = shot(2)
    message.header.stamp.sec = sec
    protector.protect(message)
    assert protector.status.frames_received == 2
    assert_recovered(protector, 3)


def test_person_stays_covered_when_sim_time_jumps_back(bench: Bench, graph: Graph) -> None:
    detector = MarkedPersons()
    protector = bench(detector, use_sim_time=True)
    clock = graph.publisher(Clock, '/clock', QoSProfile(depth=10))
    for number, sec in enumerate((1000, 1001, 5, 6)):
        tick = Clock()
        tick.clock.sec = sec
        clock.publish(tick)
        message = shot(number)
        message.header.stamp.sec = sec
        detector.blind = sec == 5  # the frame right after the jump is the one nobody is seen in
        protector.protect(message)
    status = wait_for_end_of_work(protector)
    assert (status.frames_protected, status.persons_protected) == (4, 4)
    assert_recovered(protector, 4)


def test_intermittent_camera_alternates_between_protected_and_blank(bench: Bench) -> None:
    protector = bench(MarkedPersons())
    for number in range(20):
        message = shot(number)
        if number % 2:
            message.data = message.data[:-1]
        status = protector.show(message)
        assert (status.state, status.reason) == ((BLANKING, MALFORMED) if number % 2
                                                 else (PROTECTING, 0))
    status = wait_for_end_of_work(protector)
    assert (status.frames_protected, status.frames_blanked) == (10, 10)
    assert_recovered(protector, 20)


def test_burst_of_1000_frames_drops_all_but_the_newest(bench: Bench) -> None:
    detector = MarkedPersons()
    protector = bench(detector)
    detector.gate = threading.Semaphore(0)
    protector.send(shot(0))
    assert detector.begun.acquire(timeout=60)
    burst = [shot(number) for number in range(1, 21)]
    for number in range(1, BURST_FRAMES):
        protector.send(burst[number % 20])
    protector.send(shot(BURST_FRAMES))
    first_gate, detector.gate = detector.gate, None
    first_gate.release()
    protector.wait_for(lambda: protector.status.header == header_of(BURST_FRAMES), 'newest frame')
    status = wait_for_end_of_work(protector)
    assert status.frames_dropped > 0 and status.frames_blanked == 0
    assert status.frames_received <= BURST_FRAMES + 1
    protector.wait_for(lambda: protector.images[-1].header == header_of(BURST_FRAMES), 'image')
    assert_recovered(protector, BURST_FRAMES + 1)


def test_two_interleaved_cameras_keep_their_headers_and_backgrounds(
        bench: Bench, graph: Graph) -> None:
    protector = bench(MarkedPersons())
    protector.protect(shot(0))  # both directions are connected now
    cameras = [graph.publisher(Image, 'image_raw') for _ in range(2)]
    for number in range(1, 11):
        person = (PERSON, ELSEWHERE)[number % 2]
        message = shot(number, person)
        cameras[number % 2].publish(message)
        protector.wait_for(lambda: protector.images[-1].header == message.header
                           == protector.status.header, 'image and status')
        rest = outside_of(PERSON, ELSEWHERE)
        assert np.array_equal(to_rgb(protector.images[-1])[rest], to_rgb(message)[rest])
    assert wait_for_end_of_work(protector).frames_protected == 11
    assert_recovered(protector, 11)


def test_duplicate_publishers_are_counted_and_protected_twice(bench: Bench, graph: Graph) -> None:
    protector = bench(MarkedPersons())
    protector.protect(shot(0))
    cameras = [graph.publisher(Image, 'image_raw') for _ in range(3)]
    received = 1
    for number in range(1, 6):
        for camera in cameras:
            camera.publish(shot(number))
            received += 1
            protector.wait_for(lambda: protector.status.frames_received == received, 'reception')
    status = wait_for_end_of_work(protector)
    assert (status.frames_received, status.frames_blanked) == (16, 0)
    assert_recovered(protector, 6)


def test_person_is_covered_in_the_first_frame_after_size_and_encoding_change(
        bench: Bench) -> None:
    protector = bench(MarkedPersons())
    for number, (size, encoding) in enumerate([
            ((48, 64), 'bgr8'), ((96, 128), 'bgr8'), ((97, 131), 'rgb8'), ((48, 64), 'bgra8'),
            ((1, 1), 'rgb8'), ((48, 64), 'rgba8')]):
        person = PERSON if size[0] > 1 else Box(0, 0, 1, 1)
        message = message_of(number, encoding, scene(person, number=number, size=size))
        answer = protector.protect(message)
        assert (answer.height, answer.width, answer.encoding) == (*size, encoding)
        assert not marked(to_rgb(answer)).any()
    assert protector.status.frames_protected == 6
    assert_recovered(protector, 6)


def test_mask_belongs_to_the_very_frame_it_covers(bench: Bench) -> None:
    """Frames that overtake each other in the mailbox show the person elsewhere every time."""
    detector = MarkedPersons()
    protector = bench(detector, tracker__memory_frames=0)
    for number in range(30):
        person = Box(2 * number % 50, number % 20, 2 * number % 50 + 10, number % 20 + 25)
        message = shot(number, person)
        message.header.stamp.sec = 1000 - number  # stamps tell nothing about the order
        protector.send(message)
        if number % 3 == 0:
            protector.wait_for(lambda: protector.status.header == message.header, 'status')
    assert wait_for_end_of_work(protector).frames_blanked == 0
    for image in protector.images:
        number = int(image.header.frame_id.split('_')[1])
        person = Box(2 * number % 50, number % 20, 2 * number % 50 + 10, number % 20 + 25)
        rest = outside_of(person)
        assert np.array_equal(to_rgb(image)[rest], scene(person, number=number)[rest])
    assert_nothing_leaked(protector)
