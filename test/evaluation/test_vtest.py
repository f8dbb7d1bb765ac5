"""The labels of vtest.avi, and crops of a video that is made here; no real pixel is needed."""
from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from latent_rag_ros.evaluation.baselines import hsv_histograms
from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.model_scores import recognition
from latent_rag_ros.evaluation.vtest import Track, find_vtest, load_vtest, read_tracks, resized
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.perception.person_mask import WEIGHTS_NAME, PersonMasker
from latent_rag_ros.protection.types import Box
from latent_rag_ros.weights.registry import weights_file

SIZE = (160, 120)


@pytest.fixture(scope='module')
def masker():
    return PersonMasker(weights_file(WEIGHTS_NAME), 0.3)


@pytest.fixture
def video(tmp_path):
    """Three frames, each of one grey level: 40, 80, 120."""
    path = tmp_path / 'video.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, SIZE)
    for level in (40, 80, 120):
        writer.write(np.full((SIZE[1], SIZE[0], 3), level, np.uint8))
    writer.release()
    return path


def test_shipped_labels_name_people_and_hold_boxes_inside_the_video():
    tracks = read_tracks()
    assert len(tracks) == 19
    assert len({track.number for track in tracks}) == len(tracks)
    assert len({track.identity for track in tracks}) == 8
    boxes = [box for track in tracks for box in track.boxes.values()]
    assert len(boxes) == 661
    assert all(box.clipped(576, 768) == box and box.width_px > 0 for box in boxes)


def test_crops_come_from_their_frames_in_the_order_of_tracks(video, masker):
    tracks = [Track(7, 'tall', {2: Box(10, 10, 50, 110), 0: Box(0, 0, 30, 60)}),
              Track(4, 'short', {1: Box(20, 20, 60, 100)})]
    real = load_vtest(video, tracks, masker)
    assert real.people.images.shape == (3, 128, 64, 3)
    assert real.masks.shape == (3, 128, 64)
    levels = real.people.images.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(levels, [40, 120, 80], atol=4)
    assert real.people.labels.identities.tolist() == [2, 2, 1]
    assert real.people.labels.cameras.tolist() == [7, 7, 4]


@pytest.mark.parametrize(('boxes', 'message'), [
    ({9: Box(0, 0, 30, 60)}, 'no frame 9'), ({1: Box(0, 0, 30, 300)}, 'too small')])
def test_labels_of_another_video_are_refused(video, masker, boxes, message):
    with pytest.raises(EvaluationError, match=message):
        load_vtest(video, [Track(1, 'somebody', boxes)], masker)


@pytest.mark.parametrize('content', ['', '{}', '[{"track": 1}]',
                                     json.dumps([{'track': 1, 'identity': 'a',
                                                  'observations': [[0, 1, 2]]}])])
def test_damaged_labels_are_refused(tmp_path, content):
    path = tmp_path / 'vtest_tracks.json'
    path.write_text(content)
    with pytest.raises(EvaluationError, match='vtest_tracks.json'):
        read_tracks(path)


def test_a_video_that_is_named_must_be_there(tmp_path):
    with pytest.raises(EvaluationError, match='--vtest'):
        find_vtest(tmp_path / 'absent.avi')
    path = tmp_path / 'there.avi'
    path.touch()
    assert find_vtest(path) == path


def test_crops_are_resized_as_the_filter_does():
    random = np.random.default_rng(0).integers(0, 256, (200, 80, 3), np.uint8)
    area = cv2.resize(random, (64, 128), interpolation=cv2.INTER_AREA)
    linear = cv2.resize(random[:100], (64, 128), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(resized(random), area)
    np.testing.assert_array_equal(resized(random[:100]), linear)


@pytest.mark.slow
def test_shipped_embedder_recognises_real_pedestrians_better_than_their_colours(masker):
    video = find_vtest()
    if video is None:
        pytest.skip('opencv-doc is not installed')
    real = load_vtest(video, read_tracks(), masker)
    embedder = load_embedder(weights_file('embedder.safetensors'))
    features = {'embedder': embed_images(embedder, real.people.images),
                'colours': hsv_histograms(real.people.images, real.masks)}
    figures = {name: recognition([rows], [real.people]) for name, rows in features.items()}
    for score in ('rank1', 'map'):
        assert figures['embedder'][score] > figures['colours'][score]
