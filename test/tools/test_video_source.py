"""Video files, folders of images and devices as sequences of RGB images of one size."""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.tools.video_source import (
    DEFAULT_RATE_HZ, SHIPPED_CLIP, VideoSource, VideoSourceError, open_video_source)

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]  # RGB


def plain(colour: tuple[int, int, int], height: int = 48, width: int = 64) -> ImageArray:
    """Return an image of one RGB colour."""
    return np.full((height, width, 3), colour, np.uint8)


def write_images(folder: Path, images: dict[str, ImageArray]) -> None:
    """Write RGB images into a folder."""
    for name, image in images.items():
        assert cv2.imwrite(str(folder / name), image[..., ::-1])


def read_all(source: VideoSource) -> list[ImageArray]:
    """Return the images of a source to its end."""
    images = []
    while (image := source.read()) is not None:
        images.append(image)
    return images


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Return a video of three colours at 12.5 Hz."""
    path = tmp_path / 'colours.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 12.5, (64, 48))
    for colour in COLOURS:
        writer.write(np.ascontiguousarray(plain(colour)[..., ::-1]))
    writer.release()
    return path


def test_video_file_is_read_as_rgb_when_played_twice(video: Path) -> None:
    """Colours, order, rate and number of images are those of the file, after rewind too."""
    source = open_video_source(str(video))
    assert source.rate_hz == pytest.approx(12.5)
    for _ in range(2):
        images = read_all(source)
        assert [image.shape for image in images] == [(48, 64, 3)] * 3
        for image, colour in zip(images, COLOURS):
            assert np.abs(image.mean(axis=(0, 1)) - colour).max() < 12
        source.rewind()
    source.close()


def test_images_are_scaled_when_width_is_given(video: Path) -> None:
    """The height follows the width."""
    assert open_video_source(str(video), width_px=32).read().shape == (24, 32, 3)
    assert open_video_source(str(video), width_px=128).read().shape == (96, 128, 3)


def test_folder_is_read_by_name_when_sizes_and_types_are_mixed(tmp_path: Path) -> None:
    """Images come sorted, in the size of the first, grey ones as RGB; other files are ignored."""
    write_images(tmp_path, {'b.jpg': plain(COLOURS[1], 30, 90), 'c.PNG': plain(COLOURS[2], 7, 5),
                            'a.png': plain(COLOURS[0])})
    assert cv2.imwrite(str(tmp_path / 'd.png'), np.full((48, 64), 77, np.uint8))
    (tmp_path / 'notes.txt').write_text('not an image')
    source = open_video_source(str(tmp_path))
    images = read_all(source)
    assert [image.shape for image in images] == [(48, 64, 3)] * 4
    for image, colour in zip(images, [*COLOURS, (77, 77, 77)]):
        assert np.abs(image.mean(axis=(0, 1)) - colour).max() < 4
    assert source.rate_hz == DEFAULT_RATE_HZ
    source.rewind()
    np.testing.assert_array_equal(source.read(), images[0])


def test_shipped_clip_is_played_when_source_is_empty() -> None:
    """The clip is in the package, decodes, and has a rate."""
    source = open_video_source('')
    assert SHIPPED_CLIP.is_file()
    assert source.read().ndim == 3 and source.rate_hz > 0


def test_source_is_refused_when_missing(tmp_path: Path) -> None:
    """The error names the path and what may be given."""
    with pytest.raises(VideoSourceError, match='nowhere.mp4.*does not exist; give a video file'):
        open_video_source(str(tmp_path / 'nowhere.mp4'))
    with pytest.raises(VideoSourceError, match='/dev/video97 does not exist; connect'):
        open_video_source('/dev/video97')


def test_source_is_refused_when_it_holds_no_images(tmp_path: Path) -> None:
    """A text file, an empty file and a folder without images are refused by name."""
    (tmp_path / 'text.mp4').write_text('this is no video')
    (tmp_path / 'empty.avi').touch()
    (tmp_path / 'folder').mkdir()
    for name, words in (('text.mp4', 'cannot be opened'), ('empty.avi', 'cannot be opened'),
                        ('folder', 'folder without images')):
        with pytest.raises(VideoSourceError, match=f'{name}.*{words}'):
            open_video_source(str(tmp_path / name))


def test_folder_is_refused_when_an_image_is_broken(tmp_path: Path) -> None:
    """A broken first image stops the opening, a later one the reading; both by name."""
    write_images(tmp_path, {'b.png': plain(COLOURS[0])})
    (tmp_path / 'c.png').write_bytes(b'broken')
    source = open_video_source(str(tmp_path))
    source.read()
    with pytest.raises(VideoSourceError, match='c.png.*cannot be decoded'):
        source.read()
    (tmp_path / 'a.png').write_bytes(b'broken')
    with pytest.raises(VideoSourceError, match='a.png.*cannot be decoded'):
        open_video_source(str(tmp_path))
