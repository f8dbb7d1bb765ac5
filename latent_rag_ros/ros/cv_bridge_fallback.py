"""Encodings with 16 bits per sample through cv_bridge, where an installation has a working one.

cv_bridge from the package index cannot write messages and ignores padded rows, and the one of apt
ends at import beside NumPy 2. So it has to prove itself on a small image before it is used, and
only for encodings it scales to 8 bits truthfully; depth images (16UC1, 32FC1) are no pictures.
"""
from __future__ import annotations

import array
import functools
from collections.abc import Callable

import numpy as np
from sensor_msgs.msg import Image

from latent_rag_ros.protection.types import ImageArray

ENCODINGS = ('rgb16', 'bgr16', 'rgba16', 'bgra16')


Converter = tuple[Callable[[Image], ImageArray], Callable[[ImageArray, Image], Image]]
"""The two directions: message to RGB, and RGB to a message like another one."""


def to_rgb(message: Image) -> ImageArray | None:
    """Return the pixels of a message as RGB; None where cv_bridge cannot or must not do it."""
    converter = working_converter() if _is_sound(message) else None
    return None if converter is None else converter[0](message)


def from_rgb(image: ImageArray, like: Image) -> Image | None:
    """Return RGB pixels with the header and encoding of `like`; None as in `to_rgb`."""
    converter = working_converter() if like.encoding in ENCODINGS else None
    return None if converter is None else converter[1](image, like)


def _is_sound(message: Image) -> bool:
    """Return whether the numbers of a message fit together: cv_bridge does not check them."""
    if message.encoding not in ENCODINGS:
        return False
    row_bytes = message.width * 2 * (4 if 'a' in message.encoding else 3)
    return message.step >= row_bytes and len(message.data) == message.step * message.height


@functools.lru_cache(maxsize=1)
def working_converter() -> Converter | None:
    """Return cv_bridge's conversions when a padded image survives them both ways, else None."""
    levels = np.arange(18).reshape(2, 3, 3) * 10
    rows = np.zeros((2, 10), np.uint16)
    rows[:, :9] = levels.reshape(2, 9) * 257  # 255 * 257 = 65535
    probe = Image(height=2, width=3, encoding='rgb16', step=20,
                  data=array.array('B', rows.tobytes()))
    try:
        read, write = _cv_bridge()
        image = read(probe)
        back = np.frombuffer(write(image, probe).data, np.uint16)
    except (ImportError, AttributeError, KeyError, RuntimeError, TypeError, ValueError):
        return None
    same = np.array_equal(image, levels) and np.array_equal(back, rows[:, :9].ravel())
    return (read, write) if same else None


def _cv_bridge() -> Converter:
    from cv_bridge import CvBridge
    from cv_bridge.boost.cv_bridge_boost import cvtColor2
    bridge = CvBridge()

    def write(image: ImageArray, like: Image) -> Image:
        return bridge.cv2_to_imgmsg(
            cvtColor2(image, 'rgb8', like.encoding), like.encoding, like.header)

    return lambda message: bridge.imgmsg_to_cv2(message, 'rgb8'), write
