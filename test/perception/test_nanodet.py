"""The shipped detector finds people, as its source model does, and refuses what cannot be true."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from latent_rag_ros.perception.nanodet import WEIGHTS_NAME, NanoDetDetector, decoded
from latent_rag_ros.perception.overlap import intersection_over_union
from latent_rag_ros.protection.types import Box, Detection, ImageArray
from latent_rag_ros.weights.registry import WeightsError, register, weights_file

PEDESTRIANS = Path('/usr/share/doc/opencv-doc/examples/data/vtest.avi')



def corners(detections: list[Detection]) -> np.ndarray:
    return np.array([[d.box.left, d.box.top, d.box.right, d.box.bottom]
                     for d in detections], float).reshape(-1, 4)


def test_people_are_found_when_rendered(
        detector: NanoDetDetector, people: list[tuple[ImageArray, list[list[int]]]]) -> None:
    found = total = wrong = 0
    for image, truth in people:
        overlap = intersection_over_union(np.array(truth, float), corners(detector.detect(image)))
        found += int((overlap.max(axis=1) >= 0.5).sum())
        wrong += int((overlap.max(axis=0) < 0.3).sum())
        total += len(truth)
    assert total == 12
    assert found >= 11
    assert wrong <= 2


def test_boxes_do_not_move_when_the_image_is_twice_as_large(
        detector: NanoDetDetector, people: list[tuple[ImageArray, list[list[int]]]]) -> None:
    image = people[0][0]
    small = corners(detector.detect(image))
    large = corners(detector.detect(cv2.resize(image, None, fx=2, fy=2)))
    assert (intersection_over_union(small, large / 2).max(axis=1) > 0.8).sum() >= 4


@pytest.mark.parametrize(('height_px', 'width_px'), [(240, 640), (480, 240)])
def test_boxes_are_those_of_the_image_when_it_is_wide_or_tall(
        detector: NanoDetDetector, people: list[tuple[ImageArray, list[list[int]]]],
        height_px: int, width_px: int) -> None:
    image, truth = people[2]
    shrink = np.tile([width_px / image.shape[1], height_px / image.shape[0]], 2)
    found = corners(detector.detect(cv2.resize(image, (width_px, height_px))))
    overlap = intersection_over_union(np.array(truth) * shrink, found)
    assert (overlap.max(axis=1) >= 0.5).sum() >= 3


def test_nobody_is_found_when_the_image_is_empty_ground(detector: NanoDetDetector) -> None:
    assert detector.detect(np.full((480, 640, 3), 127, np.uint8)) == []


def test_scores_fall_and_boxes_stay_inside_when_people_are_cut_by_the_border(
        detector: NanoDetDetector, people: list[tuple[ImageArray, list[list[int]]]]) -> None:
    image = people[0][0][300:, :330]
    detections = detector.detect(image)
    assert detections
    assert all(d.box == d.box.clipped(*image.shape[:2]) for d in detections)
    assert [d.score for d in detections] == sorted((d.score for d in detections), reverse=True)


@pytest.mark.skipif(not PEDESTRIANS.exists(), reason='vtest.avi of opencv-doc is not installed')
def test_pedestrians_are_found_on_real_video(detector: NanoDetDetector) -> None:
    video = cv2.VideoCapture(str(PEDESTRIANS))
    counts = []
    for index in range(0, 800, 80):
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        is_read, image = video.read()
        if is_read:
            counts.append(len(detector.detect(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))))
    video.release()
    # A two-stage detector finds 5.5 people per frame here.
    assert len(counts) >= 9
    assert np.mean(counts) >= 5.0
    assert min(counts) >= 2


def test_box_is_decoded_when_every_side_is_certain() -> None:
    scores = np.zeros((676, 80), np.float32)
    sides = np.full((676, 4, 11), -30.0, np.float32)
    cell = 10 * 26 + 5
    scores[cell, 0] = 0.9
    scores[7, 3] = 1.0  # another class
    sides[cell, np.arange(4), [1, 2, 3, 4]] = 30.0
    person_scores, boxes = decoded(scores, sides.reshape(676, 44), 16, 0.35)
    centre_x, centre_y = 5.5 * 16, 10.5 * 16
    assert person_scores.tolist() == pytest.approx([0.9])
    assert boxes.tolist() == [pytest.approx(
        [centre_x - 16, centre_y - 32, centre_x + 48, centre_y + 64])]


@pytest.mark.parametrize('image', [
    np.zeros((0, 640, 3), np.uint8), np.zeros((480, 0, 3), np.uint8),
    np.zeros((480, 640), np.uint8), np.zeros((480, 640, 4), np.uint8),
    np.zeros((480, 640, 3), np.float32)])
def test_image_is_refused_when_it_is_empty_or_not_rgb(
        detector: NanoDetDetector, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match='give'):
        detector.detect(image)


def test_second_view_is_looked_at_in_every_third_image_and_after_a_reset(
        detector: NanoDetDetector, people: list[tuple[ImageArray, list[list[int]]]]) -> None:
    class Network:
        """Notes the sizes of what it is given."""

        def __init__(self) -> None:
            self.sizes: list[tuple[int, int]] = []

        def run(self, blob: np.ndarray) -> list[np.ndarray]:
            self.sizes.append(blob.shape[2:])
            return detector.network.run(blob)

    network, image = Network(), people[0][0]
    sparing = NanoDetDetector(Path(), 0.35, 0.6, 2, network, second_every=3)
    found = [sparing.detect(image) for _ in range(4)]
    aspect, square = (320, 416), (416, 416)
    assert network.sizes == [aspect, square, aspect, aspect, aspect, square]
    assert found[0] == found[3] == detector.detect(image)
    sparing.reset()
    sparing.detect(image)
    assert network.sizes[6:] == [aspect, square]


def test_both_views_one_by_one_find_whom_both_together_find(
        detector: NanoDetDetector, people: list[tuple[ImageArray, list[list[int]]]]) -> None:
    aspect, stretched = (
        NanoDetDetector(Path(), 0.35, 0.6, 1, detector.network, only_stretched=only)
        for only in (False, True))
    for image, _ in people:
        together = {found.box for found in detector.detect(image)}
        apart = {found.box for view in (aspect, stretched) for found in view.detect(image)}
        assert together and together <= apart


def test_smallest_image_is_taken(detector: NanoDetDetector) -> None:
    assert all(d.box == Box(0, 0, 1, 1) for d in detector.detect(np.zeros((1, 1, 3), np.uint8)))


def test_weights_are_refused_when_one_byte_is_changed(tmp_path: Path) -> None:
    content = bytearray(weights_file(WEIGHTS_NAME).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / WEIGHTS_NAME).write_bytes(content)
    with pytest.raises(WeightsError, match='corrupt'):
        NanoDetDetector(tmp_path / WEIGHTS_NAME, 0.35, 0.6)


@pytest.mark.parametrize('name', ['network.onnx', 'network.onnx.xz'])
def test_weights_are_refused_when_registered_but_no_network(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'no network')
    register(tmp_path / name)
    with pytest.raises(WeightsError, match='is no ONNX network'):
        NanoDetDetector(tmp_path / name, 0.35, 0.6)


def test_weights_are_refused_when_they_are_another_network() -> None:
    with pytest.raises(WeightsError, match='has no output'):
        NanoDetDetector(weights_file('selfie_segmentation.onnx.xz'), 0.35, 0.6)
