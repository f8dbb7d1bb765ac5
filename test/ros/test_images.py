"""Every encoding there and back, padded rows, and messages that lie about themselves."""
from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from latent_rag_ros.protection.types import ImageArray, Reason
from latent_rag_ros.ros.encodings import ENCODINGS
from latent_rag_ros.ros.images import ImageError, blank_like, from_rgb, to_jpeg, to_rgb

HEIGHT, WIDTH = 24, 32
LOSSLESS = ('rgb8', 'bgr8', 'rgba8', 'bgra8')
BAYER = ('bayer_rggb8', 'bayer_bggr8', 'bayer_gbrg8', 'bayer_grbg8')
YUV = ('yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv')


@pytest.fixture
def noise() -> ImageArray:
    return np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.fixture
def smooth() -> ImageArray:
    """An image without edges, whose colours survive subsampling."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.dstack([60 + 4 * rows, 90 + 3 * columns, 200 - 2 * rows - columns]).astype(np.uint8)


def empty(encoding: str, height: int = HEIGHT, width: int = WIDTH) -> Image:
    """Return a message with a header and a size, but without pixels."""
    header = Header(frame_id='camera_optical_frame')
    header.stamp.sec, header.stamp.nanosec = 12, 345
    return Image(header=header, height=height, width=width, encoding=encoding)


def padded(message: Image, padding: int, junk: int = 0xEE) -> Image:
    """Return the message with `padding` bytes of junk behind every row."""
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=junk)
    return Image(header=message.header, height=message.height, width=message.width,
                 encoding=message.encoding, step=message.step + padding,
                 data=array.array('B', rows.tobytes()))


@pytest.mark.parametrize('encoding', LOSSLESS)
def test_colour_encodings_keep_every_pixel(encoding: str, noise: ImageArray) -> None:
    message = from_rgb(noise, empty(encoding))
    assert (message.encoding, message.step) == (encoding, WIDTH * ENCODINGS[encoding].channels)
    assert np.array_equal(to_rgb(message), noise)


def test_channels_are_where_ros_says() -> None:
    red = np.full((2, 2, 3), (250, 20, 10), np.uint8)
    assert list(from_rgb(red, empty('rgb8', 2, 2)).data[:3]) == [250, 20, 10]
    assert list(from_rgb(red, empty('bgr8', 2, 2)).data[:3]) == [10, 20, 250]
    assert list(from_rgb(red, empty('rgba8', 2, 2)).data[:4]) == [250, 20, 10, 255]
    assert list(from_rgb(red, empty('bgra8', 2, 2)).data[:4]) == [10, 20, 250, 255]


def test_alpha_of_the_input_never_returns(noise: ImageArray) -> None:
    message = from_rgb(noise, empty('bgra8'))
    pixels = np.frombuffer(message.data, np.uint8).reshape(HEIGHT, WIDTH, 4).copy()
    pixels[..., 3] = noise[..., 0]
    message.data = array.array('B', pixels.tobytes())
    back = from_rgb(to_rgb(message), message)
    assert set(back.data[3::4]) == {255}


def test_mono8_keeps_every_grey_level() -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    message = empty('mono8', 16, 16)
    message.step, message.data = 16, array.array('B', grey.tobytes())
    assert np.array_equal(to_rgb(message), np.dstack([grey] * 3))
    assert from_rgb(to_rgb(message), message).data == message.data


@pytest.mark.parametrize('encoding', YUV)
def test_yuv422_keeps_colours_within_rounding(encoding: str, smooth: ImageArray) -> None:
    back = to_rgb(from_rgb(smooth, empty(encoding)))
    assert np.abs(back.astype(int) - smooth).max() <= 6


def test_yuv422_puts_luma_where_ros_says() -> None:
    white = np.full((2, 2, 3), 255, np.uint8)
    assert list(from_rgb(white, empty('yuv422', 2, 2)).data[:4]) == [128, 235, 128, 235]
    assert list(from_rgb(white, empty('yuv422_yuy2', 2, 2)).data[:4]) == [235, 128, 235, 128]
    red = np.full((2, 2, 3), (255, 0, 0), np.uint8)
    blue_chroma, luma, red_chroma, _ = from_rgb(red, empty('uyvy', 2, 2)).data[:4]
    assert blue_chroma < 128 < red_chroma and 75 < luma < 90


@pytest.mark.parametrize('encoding', BAYER)
def test_bayer_keeps_the_colour_and_its_own_samples(encoding: str, smooth: ImageArray) -> None:
    message = from_rgb(smooth, empty(encoding))
    image = to_rgb(message)
    inside = slice(2, -2), slice(2, -2)
    assert np.abs(image.astype(int) - smooth)[inside].max() <= 6
    again = np.frombuffer(from_rgb(image, message).data, np.uint8).reshape(HEIGHT, WIDTH)
    first = np.frombuffer(message.data, np.uint8).reshape(HEIGHT, WIDTH)
    assert np.array_equal(again[inside], first[inside])


def test_bayer_pattern_starts_with_the_named_colour() -> None:
    red = np.full((4, 4, 3), (200, 0, 0), np.uint8)
    sites = {name: np.frombuffer(from_rgb(red, empty(name, 4, 4)).data, np.uint8)[[0, 1, 4, 5]]
             for name in BAYER}
    assert [int(np.argmax(sites[name])) for name in BAYER] == [0, 3, 2, 1]


@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
def test_padding_of_rows_is_skipped(encoding: str, smooth: ImageArray) -> None:
    message = from_rgb(smooth, empty(encoding))
    assert np.array_equal(to_rgb(padded(message, 7)), to_rgb(message))


@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
def test_header_and_size_come_back_exactly(encoding: str, noise: ImageArray) -> None:
    like = empty(encoding)
    message = from_rgb(noise, like)
    assert message.header == like.header
    assert (message.height, message.width, message.encoding) == (HEIGHT, WIDTH, encoding)
    assert len(message.data) == message.step * HEIGHT


@pytest.mark.parametrize(('change', 'word'), [
    ({'height': 0}, 'no pixels'), ({'width': 0}, 'no pixels'),
    ({'step': WIDTH * 3 - 1}, 'step is 95'), ({'step': WIDTH * 3 + 1}, 'data has 2304'),
    ({'height': HEIGHT + 1}, 'data has 2304'), ({'data': array.array('B')}, 'data has 0'),
    ({'data': array.array('B', bytes(HEIGHT * WIDTH * 3 + 1))}, 'data has 2305'),
    ({'height': 65535, 'width': 65535}, 'guard.image_px_max'),
    ({'width': 4_294_967_295, 'step': 4_294_967_295}, 'guard.image_px_max')])
def test_malformed_message_is_refused(change: dict, word: str, noise: ImageArray) -> None:
    message = from_rgb(noise, empty('bgr8'))
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ImageError, match=word) as caught:
        to_rgb(message, 1_000_000)
    assert caught.value.reason == Reason.MALFORMED_IMAGE


@pytest.mark.parametrize(('encoding', 'size'), [('yuv422', (4, 5)), ('bayer_rggb8', (5, 4))])
def test_size_that_the_encoding_cannot_have_is_refused(encoding: str, size: tuple) -> None:
    message = empty(encoding, *size)
    message.step = size[1] * ENCODINGS[encoding].channels
    message.data = array.array('B', bytes(message.step * size[0]))
    with pytest.raises(ImageError, match='multiple'):
        to_rgb(message)


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1', 'mono16', '8UC3', 'nv12', '', 'x' * 5000])
def test_encoding_that_is_no_known_picture_is_refused(encoding: str) -> None:
    message = empty(encoding)
    message.step, message.data = WIDTH * 2, array.array('B', bytes(WIDTH * 2 * HEIGHT))
    with pytest.raises(ImageError, match='not supported') as caught:
        to_rgb(message)
    assert caught.value.reason == Reason.UNSUPPORTED_ENCODING
    assert (caught.value.height_px, caught.value.width_px) == (HEIGHT, WIDTH)
    assert len(str(caught.value)) < 400
    with pytest.raises(ImageError):
        from_rgb(np.zeros((HEIGHT, WIDTH, 3), np.uint8), message)


def test_pixels_of_another_size_are_refused(noise: ImageArray) -> None:
    with pytest.raises(ValueError, match='not of the size'):
        from_rgb(noise, empty('rgb8', HEIGHT, WIDTH - 1))


@pytest.mark.parametrize('encoding', sorted(ENCODINGS))
@pytest.mark.parametrize('level', [0, 128, 255])
def test_blank_image_is_of_one_grey_level(encoding: str, level: int, noise: ImageArray) -> None:
    message = from_rgb(noise, empty(encoding))
    blank = blank_like(message, level)
    assert (blank.header, blank.height, blank.width) == (message.header, HEIGHT, WIDTH)
    assert (blank.encoding, blank.step) == (encoding, message.step)
    # studio swing yuv leaves no exact code for some levels
    assert np.abs(to_rgb(blank).astype(int) - level).max() <= 2


def test_blank_image_has_nothing_of_its_source_when_the_encoding_is_unknown() -> None:
    message = empty('16UC1')
    message.step, message.data = WIDTH * 2, array.array('B', b'\x07' * (WIDTH * 2 * HEIGHT))
    blank = blank_like(message, 200)
    assert (blank.encoding, blank.step, len(blank.data)) == ('16UC1', 2 * WIDTH, len(message.data))
    assert set(blank.data) == {0}


def test_blank_image_of_wrong_data_has_the_right_size(noise: ImageArray) -> None:
    message = from_rgb(noise, empty('bgr8'))
    message.data, message.step = array.array('B', b'\x01'), 1
    blank = blank_like(message, 9)
    assert (blank.step, len(blank.data), set(blank.data)) == (WIDTH * 3, HEIGHT * WIDTH * 3, {9})


@pytest.mark.parametrize('message', [
    empty('bgr8', 0, 5), empty('bgr8', 65535, 65535), empty('unknown', 5, 5)],
    ids=['zero', 'huge', 'unknown without data'])
def test_no_blank_image_where_the_size_makes_no_sense(message: Image) -> None:
    message.step = 4
    assert blank_like(message, 0, 1_000_000) is None


def test_jpeg_shows_the_image_and_keeps_the_header(smooth: ImageArray) -> None:
    header = empty('rgb8').header
    message = to_jpeg(smooth, header, 95)
    decoded = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert message.header == header and message.format == 'jpeg'
    assert np.abs(decoded.astype(int) - smooth).max() < 16
