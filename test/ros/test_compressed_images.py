"""JPEG and PNG messages: complete ones decode, everything else is refused with a reason."""
from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from latent_rag_ros.protection.types import ImageArray, Reason
from latent_rag_ros.ros.compressed_images import decode_compressed
from latent_rag_ros.ros.images import ImageError, to_jpeg

HEIGHT, WIDTH = 48, 64


@pytest.fixture
def image() -> ImageArray:
    noise = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 3)


def message_of(data: bytes, kind: str = 'jpeg') -> CompressedImage:
    """Return a message with these bytes."""
    return CompressedImage(format=kind, data=array.array('B', data))


def encoded(image: ImageArray, suffix: str, *options: int) -> bytes:
    """Return RGB pixels as the bytes of a file."""
    return cv2.imencode(suffix, image[..., ::-1], options)[1].tobytes()


def refusal(data: bytes, image_px_max: int = 10_000) -> ImageError:
    """Return the error that a message with these bytes raises."""
    with pytest.raises(ImageError) as caught:
        decode_compressed(message_of(data), image_px_max)
    return caught.value


def test_jpeg_comes_back_as_rgb(image: ImageArray) -> None:
    back = decode_compressed(to_jpeg(image, Header(), 95))
    assert np.abs(back.astype(int) - image).mean() < 3


def test_progressive_jpeg_comes_back(image: ImageArray) -> None:
    data = encoded(image, '.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert decode_compressed(message_of(data)).shape == image.shape


def test_padding_behind_a_jpeg_is_ignored(image: ImageArray) -> None:
    data = encoded(image, '.jpg') + bytes(100)
    assert decode_compressed(message_of(data)).shape == image.shape


def test_grey_jpeg_becomes_rgb(image: ImageArray) -> None:
    data = cv2.imencode('.jpg', image[..., 0])[1].tobytes()
    assert decode_compressed(message_of(data)).shape == image.shape


def test_png_keeps_every_pixel(image: ImageArray) -> None:
    assert np.array_equal(decode_compressed(message_of(encoded(image, '.png'), 'png')), image)


def test_orientation_in_the_metadata_is_ignored(image: ImageArray) -> None:
    data = encoded(image, '.jpg')
    # EXIF with orientation 6 (a quarter turn), as the first segment of the file
    tiff = b'II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0'
    segment = b'Exif\0\0' + tiff
    turned = (data[:2] + b'\xff\xe1' + (len(segment) + 2).to_bytes(2, 'big') + segment + data[2:])
    assert decode_compressed(message_of(turned)).shape == image.shape
    assert cv2.imdecode(np.frombuffer(turned, np.uint8), 1).shape == (WIDTH, HEIGHT, 3)


@pytest.mark.parametrize('share', [0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_truncated_file_is_refused(image: ImageArray, suffix: str, share: float) -> None:
    data = encoded(image, suffix)
    error = refusal(data[:int(len(data) * share)])
    assert error.reason == Reason.MALFORMED_IMAGE
    if suffix == '.png' or share > 0.5:  # a JPEG's size stands behind its tables
        assert (error.height_px, error.width_px) == (HEIGHT, WIDTH)


def test_truncated_progressive_jpeg_is_refused(image: ImageArray) -> None:
    data = encoded(image, '.jpg', cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert 'truncated' in str(refusal(data[:len(data) * 3 // 4]))


def test_embedded_thumbnail_does_not_hide_a_truncation(image: ImageArray) -> None:
    data, thumbnail = encoded(image, '.jpg'), encoded(image[:8, :8], '.jpg')
    segment = b'\xff\xe2' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    whole = data[:2] + segment + data[2:]
    assert decode_compressed(message_of(whole)).shape == image.shape
    assert 'truncated' in str(refusal(whole[:-20]))


def test_damaged_png_is_refused(image: ImageArray) -> None:
    data = bytearray(encoded(image, '.png'))
    data[len(data) // 2:len(data) // 2 + 40] = bytes(40)
    assert refusal(bytes(data)).reason == Reason.MALFORMED_IMAGE


def test_depth_png_is_refused() -> None:
    depth = np.full((HEIGHT, WIDTH), 1500, np.uint16)
    error = refusal(cv2.imencode('.png', depth)[1].tobytes())
    assert error.reason == Reason.UNSUPPORTED_ENCODING and '16 bits' in str(error)


@pytest.mark.parametrize('data', [b'', b'\xff', b'GIF89a' + bytes(50), bytes(1000)],
                         ids=['empty', 'one byte', 'gif', 'zeros'])
def test_other_formats_are_refused(data: bytes) -> None:
    assert refusal(data).reason == Reason.UNSUPPORTED_ENCODING


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_huge_size_is_refused_before_it_is_decoded(image: ImageArray, suffix: str) -> None:
    error = refusal(encoded(image, suffix), image_px_max=HEIGHT * WIDTH - 1)
    assert 'guard.image_px_max' in str(error) and error.height_px == 0


def test_random_bytes_never_raise_anything_else() -> None:
    random = np.random.default_rng(11)
    starts = (b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'')
    for number in range(300):
        tail = random.integers(0, 256, random.integers(0, 200), np.uint8).tobytes()
        refusal(starts[number % 3] + tail + b'\xff\xda\xff\xd9')
