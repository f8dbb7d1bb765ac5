"""sensor_msgs/Image to RGB arrays and back: the one place that reads and writes its pixels."""
from __future__ import annotations

import array

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from latent_rag_ros.protection.types import ImageArray, Reason
from latent_rag_ros.ros import cv_bridge_fallback
from latent_rag_ros.ros.encodings import ENCODINGS, Encoding


class ImageError(ValueError):
    """An image message that cannot be converted.

    Parameters
    ----------
    reason : Reason
        UNSUPPORTED_ENCODING or MALFORMED_IMAGE.
    message : str
        One line for a human, without image content.
    height_px, width_px : int
        Size of the image where it is known and sensible, else 0.
    """

    def __init__(self, reason: Reason, message: str, height_px: int = 0,
                 width_px: int = 0) -> None:
        super().__init__(message)
        self.reason, self.height_px, self.width_px = reason, height_px, width_px


def to_rgb(message: Image, image_px_max: int | None = None) -> ImageArray:
    """Return the pixels of a message as RGB; they may share its memory.

    Parameters
    ----------
    message : Image
        Any encoding of `encodings.ENCODINGS`, or one that a working cv_bridge knows. Rows may be
        padded.
    image_px_max : int, optional
        Larger images are refused before anything is allocated for them.

    Raises
    ------
    ImageError
        The encoding is unknown, or width, height, step and data do not fit together.
    """
    size = (message.height, message.width)
    check_size(*size, image_px_max)
    encoding = ENCODINGS.get(message.encoding)
    if encoding is None:
        image = cv_bridge_fallback.to_rgb(message)
        if image is None or image.shape != (*size, 3):
            raise ImageError(Reason.UNSUPPORTED_ENCODING,
                             f'encoding {message.encoding[:40]!r} is not supported; choose one of '
                             f'{", ".join(ENCODINGS)}', *size)
        return image
    try:
        return encoding.decode(_pixels(message, encoding))
    except cv2.error as error:
        raise ImageError(Reason.MALFORMED_IMAGE, f'{message.encoding} of {message.width} x '
                         f'{message.height} does not decode: {error.err}', *size) from error


def check_size(height_px: int, width_px: int, image_px_max: int | None = None) -> None:
    """Raise `ImageError` for an image without pixels, and for one with too many."""
    if height_px == 0 or width_px == 0:
        raise ImageError(Reason.MALFORMED_IMAGE,
                         f'image of {width_px} x {height_px} px has no pixels')
    if image_px_max is not None and height_px * width_px > image_px_max:
        raise ImageError(Reason.MALFORMED_IMAGE, f'image of {width_px} x {height_px} px has more '
                         f'than guard.image_px_max = {image_px_max} pixels')


def _pixels(message: Image, encoding: Encoding) -> NDArray[np.uint8]:
    """Return the bytes of a message as (height, width, channels), without the rows' padding."""
    height, width, step = message.height, message.width, message.step
    row_bytes = width * encoding.channels
    wrong = ''
    if not _fits(encoding, height, width):
        wrong = f'its size must be a multiple of {encoding.multiple[1]} x {encoding.multiple[0]}'
    elif step < row_bytes:
        wrong = f'step is {step}, a row has {row_bytes} bytes'
    elif len(message.data) != step * height:
        wrong = f'data has {len(message.data)} bytes instead of step {step} x height {height}'
    if wrong:
        raise ImageError(Reason.MALFORMED_IMAGE,
                         f'{message.encoding} of {width} x {height} px: {wrong}', height, width)
    rows = np.frombuffer(message.data, np.uint8).reshape(height, step)[:, :row_bytes]
    return np.ascontiguousarray(rows).reshape(height, width, encoding.channels)


def _fits(encoding: Encoding, height_px: int, width_px: int) -> bool:
    return height_px % encoding.multiple[0] == 0 and width_px % encoding.multiple[1] == 0


def from_rgb(image: ImageArray, like: Image) -> Image:
    """Return a message with these pixels and the header, size and encoding of `like`.

    Rows are not padded and alpha is opaque.

    Raises
    ------
    ImageError
        The encoding of `like` is unknown.
    ValueError
        `image` has another size than `like`.
    """
    if image.shape != (like.height, like.width, 3):
        raise ValueError(f'image of shape {image.shape} is not of the size of the message, '
                         f'{like.height} x {like.width} x 3')
    encoding = ENCODINGS.get(like.encoding)
    if encoding is not None:
        return _message(encoding.encode(image), like)
    message = cv_bridge_fallback.from_rgb(image, like)
    if message is None:
        raise ImageError(Reason.UNSUPPORTED_ENCODING,
                         f'encoding {like.encoding[:40]!r} is not supported', *image.shape[:2])
    return message


def _message(pixels: NDArray[np.uint8], like: Image) -> Image:
    """Wrap (height, width, channels) uint8; a byte array is by far the fastest way into rclpy."""
    data = array.array('B')
    data.frombytes(np.ascontiguousarray(pixels).data.cast('B'))  # one copy; tobytes() makes two
    return Image(header=like.header, height=like.height, width=like.width, encoding=like.encoding,
                 is_bigendian=like.is_bigendian, step=like.width * pixels.shape[2], data=data)


def blank_like(message: Image, level: int, image_px_max: int | None = None) -> Image | None:
    """Return a message of one grey level with the header, size and encoding of `message`.

    All bytes are 0 where the encoding is unknown. None where the size of the message makes no
    sense, so that no image of that size can exist.
    """
    try:
        check_size(message.height, message.width, image_px_max)
    except ImageError:
        return None
    size, encoding = (message.height, message.width), ENCODINGS.get(message.encoding)
    if encoding is not None and _fits(encoding, *size):
        return _message(encoding.encode(np.full((*size, 3), level, np.uint8)), message)
    if encoding is not None:
        return _message(np.zeros((*size, encoding.channels), np.uint8), message)
    if message.step * message.height != len(message.data):
        return None
    return Image(header=message.header, height=message.height, width=message.width,
                 encoding=message.encoding, is_bigendian=message.is_bigendian, step=message.step,
                 data=array.array('B', bytes(len(message.data))))


def to_jpeg(image: ImageArray, header: Header, quality: int) -> CompressedImage:
    """Return RGB pixels as a JPEG message; quality is 0 .. 100."""
    _, data = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
                           [cv2.IMWRITE_JPEG_QUALITY, quality])
    return CompressedImage(header=header, format='jpeg', data=array.array('B', data.tobytes()))
