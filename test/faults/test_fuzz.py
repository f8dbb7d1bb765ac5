"""Random messages, thousands of them: no pixel of what was sent comes out, and the node lives on.

The detector finds a person as large as the image. So whatever a message turns out to be, whatever
is published for it has to be of one colour.
"""
from __future__ import annotations

import array
from collections.abc import Callable
from itertools import count

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nodes.protector_bench import Bench, KnownPersons, ProtectorBench, header_of
from sensor_msgs.msg import CompressedImage, Image

from latent_rag_ros.protection.types import Box, Detection, ImageArray
from latent_rag_ros.ros.compressed_images import decode_compressed
from latent_rag_ros.ros.encodings import ENCODINGS
from latent_rag_ros.ros.images import ImageError, blank_like, from_rgb, to_rgb


IMAGE_PX_MAX, DATA_BYTES_MAX = 10_000, 4000
BUDGET_OFF = {'guard__fault_frames_max': 1000, 'guard__stuck_frames': 0}
QUICK = settings(max_examples=150, derandomize=True, database=None, deadline=None,
                 suppress_health_check=list(HealthCheck))
THOROUGH = settings(QUICK, max_examples=5000)
UINT32, SEEDS = st.integers(0, 2 ** 32 - 1), st.integers(0, 2 ** 32 - 1)
SIZES_PX = st.integers(0, 24) | st.integers(1, 24) | UINT32
NAMES = st.sampled_from([*ENCODINGS] * 2 + ['16UC1', '32FC1', 'mono16', 'nv12', 'BGR8', '']) \
    | st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=12)


def random_bytes(seed: int, size: int) -> bytes:
    """Return bytes without a zero, so that each one shows where nothing but zeros may be."""
    return np.random.default_rng(seed).integers(1, 256, size, np.uint8).tobytes()


@st.composite
def images(draw: Callable) -> Image:
    """Draw a raw message: many fit together, others are off by a little or by everything."""
    encoding, height, width = draw(NAMES), draw(SIZES_PX), draw(SIZES_PX)
    channels = ENCODINGS[encoding].channels if encoding in ENCODINGS else draw(st.integers(1, 8))
    row = width * channels % 2 ** 32
    step = draw(st.just(row) | st.just(row) | st.integers(row, row + 9) | UINT32) % 2 ** 32
    whole = min(step * height, DATA_BYTES_MAX)
    size = draw(st.just(whole) | st.just(whole) | st.integers(max(whole - 2, 0), whole + 2)
                | st.integers(0, DATA_BYTES_MAX))
    return Image(encoding=encoding, height=height, width=width, step=step,
                 is_bigendian=draw(st.integers(0, 255)),
                 data=array.array('B', random_bytes(draw(SEEDS), size)))


@st.composite
def compressed_images(draw: Callable) -> CompressedImage:
    """Draw a JPEG or PNG with damage: cut, overwritten, prolonged, or nothing but its start."""
    pixels = np.frombuffer(random_bytes(draw(SEEDS), 16 * 24 * 3), np.uint8).reshape(16, 24, 3)
    data = cv2.imencode(draw(st.sampled_from(['.jpg', '.png', '.bmp'])), pixels)[1].tobytes()
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        piece = draw(st.binary(max_size=8))
        data = draw(st.sampled_from([
            data[:place], data[:place] + piece + data[place + len(piece):],
            data[:place] + piece + data[place:], data + piece, data[:3] + piece]))
    return CompressedImage(format=draw(st.sampled_from(['jpeg', 'png', ''])),
                           data=array.array('B', data))


def is_of_one_colour(image: Image) -> bool:
    """Return whether nothing of a picture is left in a published message."""
    if len(image.data) != image.step * image.height:
        return False
    if image.encoding not in ENCODINGS:
        return not np.count_nonzero(image.data)
    try:
        return int(to_rgb(image).max()) <= 2  # studio swing yuv decodes black to 0 .. 2
    except ImageError:  # an odd size that the encoding cannot have
        return not np.count_nonzero(image.data)


class WholeImage(KnownPersons):
    """A detector that sees one person, as large as the image."""

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the image's own box."""
        return [Detection(Box(0, 0, image.shape[1], image.shape[0]), 0.9)]


def convert(message: Image) -> None:
    """Take a message through all conversions; only `ImageError` may come out of them."""
    try:
        image = to_rgb(message, IMAGE_PX_MAX)
    except ImageError as error:
        assert error.height_px * error.width_px <= IMAGE_PX_MAX
    else:
        assert (image.shape, image.dtype) == ((message.height, message.width, 3), np.uint8)
        assert from_rgb(image, message).encoding == message.encoding
    blank = blank_like(message, 0, IMAGE_PX_MAX)
    assert blank is None or is_of_one_colour(blank)


def decode(message: CompressedImage) -> None:
    """Decode a message; only `ImageError` may come out of it."""
    try:
        assert decode_compressed(message, IMAGE_PX_MAX).size <= 3 * IMAGE_PX_MAX
    except ImageError as error:
        assert error.height_px * error.width_px <= IMAGE_PX_MAX


def show(protector: ProtectorBench, numbers: count, message: Image | CompressedImage) -> None:
    """Send a message through the node; whatever comes out is of one colour."""
    number = next(numbers)
    message.header = header_of(number)
    before = len(protector.images)
    status = protector.show(message)
    assert status.frames_received == number + 1 == (status.frames_protected
                                                    + status.frames_blanked)
    assert all(is_of_one_colour(image) for image in protector.images[before:])


def fuzz_node(protector: ProtectorBench, messages: st.SearchStrategy, rule: settings) -> None:
    """Send random messages, then a good one; none may leak and the node has to live on."""
    numbers = count()
    rule(given(messages)(lambda message: show(protector, numbers, message)))()
    assert protector.status.frames_received >= rule.max_examples
    assert protector.status.frames_protected and protector.status.frames_blanked
    assert all(is_of_one_colour(image) for image in protector.images)
    protector.images.clear()


def test_conversions_raise_nothing_but_image_errors_when_messages_are_random() -> None:
    QUICK(given(images())(convert))()
    QUICK(given(compressed_images())(decode))()


@pytest.mark.slow
def test_conversions_raise_nothing_but_image_errors_when_messages_are_10000() -> None:
    THOROUGH(given(images())(convert))()
    THOROUGH(given(compressed_images())(decode))()


@pytest.mark.parametrize('rule', [QUICK, pytest.param(THOROUGH, marks=pytest.mark.slow)],
                         ids=['quick', '5000'])
def test_node_survives_random_raw_messages_and_leaks_nothing(
        bench: Bench, rule: settings) -> None:
    detector = WholeImage()
    protector = bench(detector, guard__image_px_max=IMAGE_PX_MAX, **BUDGET_OFF)
    fuzz_node(protector, images(), rule)


@pytest.mark.parametrize('rule', [QUICK, pytest.param(THOROUGH, marks=pytest.mark.slow)],
                         ids=['quick', '5000'])
def test_node_survives_random_compressed_messages_and_leaks_nothing(
        bench: Bench, rule: settings) -> None:
    protector = bench(WholeImage(), input__transport='compressed',
                      guard__image_px_max=IMAGE_PX_MAX, **BUDGET_OFF)
    fuzz_node(protector, compressed_images(), rule)
