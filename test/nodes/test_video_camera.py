"""The video camera as a real process: what it publishes, and how it ends."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from latent_rag_ros.tools.video_source import SHIPPED_CLIP

from .conftest import Graph, StartNode

GREYS = [20, 60, 100, 140, 180, 220]
RED = (255, 0, 0)
RED_AS = {'bgr8': [0, 0, 255], 'rgb8': [255, 0, 0], 'bgra8': [0, 0, 255, 255],
          'rgba8': [255, 0, 0, 255], 'mono8': [76]}


def stamp(message: Image | CameraInfo | CompressedImage) -> tuple[int, int]:
    """Return the stamp of a message, comparable."""
    return message.header.stamp.sec, message.header.stamp.nanosec


@pytest.fixture
def grey_folder(tmp_path: Path) -> Path:
    """Return a folder of images of the levels `GREYS`, 96 by 64 pixels."""
    folder = tmp_path / 'images'
    folder.mkdir()
    for number, level in enumerate(GREYS):
        assert cv2.imwrite(str(folder / f'{number}.png'), np.full((64, 96), level, np.uint8))
    return folder


def test_every_image_arrives_when_played_once(
        graph: Graph, start_node: StartNode, grey_folder: Path) -> None:
    """All images in order, stamps that increase, matching camera_info, then exit code 0."""
    infos = graph.collect(CameraInfo, 'camera_info')  # before the image that starts the camera
    images = graph.collect(Image, 'image_raw')
    camera = start_node('video_camera', {
        'source': grey_folder, 'loop': False, 'rate_hz': 20.0, 'subscribers_min': 1,
        'frame_id': 'front', 'horizontal_fov_deg': 90})
    graph.wait_for(lambda: len(images) == len(GREYS) == len(infos), 'images and camera_info')
    assert camera.exit_code() == 0, camera.log
    assert [image.data[0] for image in images] == GREYS
    stamps = [stamp(image) for image in images]
    assert stamps == sorted(set(stamps))
    assert stamps == [stamp(info) for info in infos]
    for image, info in zip(images, infos):
        assert image.header.frame_id == info.header.frame_id == 'front'
        assert (image.height, image.width) == (info.height, info.width) == (64, 96)
        assert info.k[0] == pytest.approx(48)


@pytest.mark.parametrize('encoding', RED_AS)
def test_pixels_are_right_when_encoding_is_chosen(
        graph: Graph, start_node: StartNode, tmp_path: Path, encoding: str) -> None:
    """Every encoding has its channels in order, and scaling reaches image and camera_info."""
    folder = tmp_path / 'red'
    folder.mkdir()
    red = np.full((64, 96, 3), RED[::-1], np.uint8)
    assert cv2.imwrite(str(folder / 'red.png'), red)
    images, infos = graph.collect(Image, 'image_raw'), graph.collect(CameraInfo, 'camera_info')
    start_node('video_camera', {'source': folder, 'encoding': encoding, 'width_px': 48})
    graph.wait_for(lambda: images and infos, 'image and camera_info')
    channels = len(RED_AS[encoding])
    assert (images[0].encoding, images[0].step) == (encoding, 48 * channels)
    pixels = np.reshape(images[0].data, (32, 48, channels))
    assert np.abs(pixels.astype(int) - RED_AS[encoding]).max() <= 1
    assert (infos[0].height, infos[0].width) == (32, 48)


def test_jpeg_is_the_same_frame_when_compressed_is_asked(
        graph: Graph, start_node: StartNode, grey_folder: Path) -> None:
    """The compressed image decodes to the raw one and has its header."""
    images = graph.collect(Image, 'image_raw')
    jpegs = graph.collect(CompressedImage, 'image_raw/compressed')
    start_node('video_camera', {'source': grey_folder, 'compressed': True,
                                'subscribers_min': 2, 'loop': False})
    graph.wait_for(lambda: len(images) == len(GREYS) == len(jpegs), 'images')
    for image, jpeg in zip(images, jpegs):
        assert jpeg.header == image.header and 'jpeg' in jpeg.format
        decoded = cv2.imdecode(np.frombuffer(jpeg.data, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape == (64, 96, 3)
        assert abs(int(decoded[0, 0, 0]) - image.data[0]) <= 2


def test_source_starts_again_when_it_loops(
        graph: Graph, start_node: StartNode, grey_folder: Path) -> None:
    """Looping sends the first image after the last, until an interrupt, which is no error."""
    images = graph.collect(Image, 'image_raw')
    camera = start_node('video_camera', {'source': grey_folder, 'rate_hz': 50.0,
                                         'subscribers_min': 1})
    graph.wait_for(lambda: len(images) >= 2 * len(GREYS) + 1, 'third round')
    assert [image.data[0] for image in images[:2 * len(GREYS) + 1]] == [*GREYS, *GREYS, GREYS[0]]
    assert camera.interrupt() == 0, camera.log


def test_video_file_is_played_when_given(graph: Graph, start_node: StartNode) -> None:
    """A video file arrives in its own size."""
    images = graph.collect(Image, 'image_raw')
    start_node('video_camera', {'source': SHIPPED_CLIP})
    graph.wait_for(lambda: images, 'image')
    capture = cv2.VideoCapture(str(SHIPPED_CLIP))
    assert images[0].width == capture.get(cv2.CAP_PROP_FRAME_WIDTH)
    assert images[0].height == capture.get(cv2.CAP_PROP_FRAME_HEIGHT)


@pytest.mark.parametrize('parameters, words', [
    ({'source': '/nowhere/clip.mp4'}, ["source '/nowhere/clip.mp4' does not exist", 'give a']),
    ({'source': '/dev/video97'}, ['/dev/video97 does not exist', 'connect']),
    ({'sourec': '/nowhere'}, ['sourec']),
    ({'rate_hz': -1.0}, ['rate_hz', '-1']),
])
def test_node_ends_with_a_speaking_error_when_it_cannot_play(
        start_node: StartNode, parameters: dict[str, object], words: list[str]) -> None:
    """A missing source or a wrong parameter: exit code 1 and a log that names it."""
    camera = start_node('video_camera', parameters)
    assert camera.exit_code() == 1
    assert 'FATAL' in camera.log and 'Traceback' not in camera.log
    for word in words:
        assert word in camera.log


def test_node_ends_with_a_speaking_error_when_an_image_breaks(
        start_node: StartNode, grey_folder: Path) -> None:
    """A file that does not decode ends the node and is named."""
    (grey_folder / '3.png').write_bytes(b'broken')
    camera = start_node('video_camera', {'source': grey_folder, 'rate_hz': 50.0})
    assert camera.exit_code() == 1
    assert 'FATAL' in camera.log and '3.png' in camera.log and 'Traceback' not in camera.log
