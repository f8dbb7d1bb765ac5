"""sensor_msgs/CompressedImage to RGB arrays: JPEG and PNG, refused unless they are complete.

OpenCV decodes a truncated JPEG without an error: the missing rows become grey. So the markers of
the file are read first, which also tells its size before anything is allocated for it.
"""
from __future__ import annotations

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage

from latent_rag_ros.protection.types import ImageArray, Reason
from latent_rag_ros.ros.images import ImageError, check_size

JPEG_START, JPEG_SCAN, JPEG_END = b'\xff\xd8\xff', b'\xff\xda', b'\xff\xd9'
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers whose segment holds the size of the image (ITU-T T.81, table B.1)."""

PNG_START, PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND\xaeB`\x82'


def decode_compressed(message: CompressedImage, image_px_max: int | None = None) -> ImageArray:
    """Return the pixels of a JPEG or PNG message as RGB, shape (height, width, 3).

    The orientation in the metadata of a JPEG is ignored, as camera_info knows nothing of it.

    Raises
    ------
    ImageError
        The data is of another format or depth, truncated, damaged, or larger than `image_px_max`
        pixels.
    """
    data = bytes(message.data)
    if not data.startswith((JPEG_START, PNG_START)):
        raise ImageError(Reason.UNSUPPORTED_ENCODING, 'compressed image of format '
                         f'{message.format[:40]!r} is neither a JPEG nor a PNG')
    size = compressed_size(data)
    check_size(*size, image_px_max)
    complete = (PNG_END in data[-64:] if data.startswith(PNG_START)
                else data.rfind(JPEG_END) > data.rfind(JPEG_SCAN) > 0)
    if not complete:
        raise ImageError(Reason.MALFORMED_IMAGE, f'compressed image is truncated after '
                         f'{len(data)} bytes', *size)
    return _decoded(data, size)


def compressed_size(data: bytes) -> tuple[int, int]:
    """Return height and width of a JPEG or PNG from its markers; (0, 0) where they tell none.

    Raises `ImageError` for a PNG of 16 bits per sample.
    """
    if data.startswith(JPEG_START):
        return _jpeg_size(data)
    return _png_size(data) if data.startswith(PNG_START) else (0, 0)


def _decoded(data: bytes, size: tuple[int, int]) -> ImageArray:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8),
                             cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise ImageError(Reason.MALFORMED_IMAGE,
                         f'compressed image does not decode: {error.err}', *size) from error
    if image is None or image.shape[:2] != size:
        raise ImageError(Reason.MALFORMED_IMAGE, 'compressed image does not decode', *size)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return height and width from the frame header; (0, 0) when there is none."""
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker in JPEG_FRAMES:
            return (int.from_bytes(data[position + 5:position + 7], 'big'),
                    int.from_bytes(data[position + 7:position + 9], 'big'))
        if marker == 0xFF:  # fill byte
            position += 1
        else:
            position += 2 + int.from_bytes(data[position + 2:position + 4], 'big')
    return 0, 0


def _png_size(data: bytes) -> tuple[int, int]:
    """Return height and width from the header chunk; (0, 0) when it is cut off.

    Raises `ImageError` for 16 bits per sample: depth images, which are no pictures.
    """
    if len(data) < 25:
        return 0, 0
    size = int.from_bytes(data[20:24], 'big'), int.from_bytes(data[16:20], 'big')
    if data[24] > 8:
        raise ImageError(Reason.UNSUPPORTED_ENCODING,
                         f'PNG with {data[24]} bits per sample is not supported; 8 is')
    return size
