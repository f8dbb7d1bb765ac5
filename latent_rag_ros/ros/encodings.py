"""The pixel encodings of sensor_msgs/Image as arrays: how each one becomes RGB and back.

Alpha never carries anything over from the input: it is fully opaque in every output, because a
camera's alpha channel could show a person's outline.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.protection.types import ImageArray

RGB_TO_YUV = np.array([[65.738, 129.057, 25.064, 16 * 256],
                       [-37.945, -74.494, 112.439, 128 * 256],
                       [112.439, -94.154, -18.285, 128 * 256]], np.float32) / 256
"""ITU-R BT.601, studio swing: what the yuv422 encodings of ROS and OpenCV mean."""

BAYER_SITES = {'rggb': (0, 1, 1, 2), 'bggr': (2, 1, 1, 0), 'gbrg': (1, 2, 0, 1),
               'grbg': (1, 0, 2, 1)}
"""Channel (R 0, G 1, B 2) at the top left, top right, bottom left and bottom right site."""


@dataclass(frozen=True)
class Encoding:
    """One encoding.

    Parameters
    ----------
    channels : int
        Bytes per pixel.
    decode : Callable
        (height, width, channels) uint8 to (height, width, 3) RGB, a new or the same array.
    encode : Callable
        (height, width, 3) RGB to (height, width, channels) uint8.
    multiple : tuple of int
        Height and width must be multiples of these.
    """

    channels: int
    decode: Callable[[NDArray[np.uint8]], ImageArray]
    encode: Callable[[ImageArray], NDArray[np.uint8]]
    multiple: tuple[int, int] = (1, 1)


def _converted(code: int) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    return lambda pixels: np.atleast_3d(cv2.cvtColor(pixels, code))


def _yuv422_from_rgb(image: ImageArray, luma: int) -> NDArray[np.uint8]:
    """Return (height, width, 2) with luma in channel `luma` and chroma of pixel pairs averaged."""
    yuv = cv2.transform(image, RGB_TO_YUV)
    packed = np.empty((*image.shape[:2], 2), np.uint8)
    packed[..., luma] = yuv[..., 0]
    pairs = yuv[..., 1:].reshape(image.shape[0], -1, 2, 2).astype(np.uint16)
    packed[..., 1 - luma] = ((pairs.sum(axis=2) + 1) // 2).reshape(image.shape[:2])
    return packed


def _bayer_from_rgb(image: ImageArray, sites: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Return (height, width, 1) with the one channel that the filter lets through at each site."""
    mosaic = np.empty((*image.shape[:2], 1), np.uint8)
    for number, channel in enumerate(sites):
        rows, columns = slice(number // 2, None, 2), slice(number % 2, None, 2)
        mosaic[rows, columns, 0] = image[rows, columns, channel]
    return mosaic


def _bayer(pattern: str, code: int) -> Encoding:
    sites = BAYER_SITES[pattern]
    return Encoding(1, _converted(code), lambda image: _bayer_from_rgb(image, sites), (2, 2))


_UYVY = Encoding(2, _converted(cv2.COLOR_YUV2RGB_UYVY),
                 lambda image: _yuv422_from_rgb(image, 1), (1, 2))
_YUY2 = Encoding(2, _converted(cv2.COLOR_YUV2RGB_YUY2),
                 lambda image: _yuv422_from_rgb(image, 0), (1, 2))

ENCODINGS: dict[str, Encoding] = {
    'rgb8': Encoding(3, lambda pixels: pixels, lambda image: image),
    'bgr8': Encoding(3, _converted(cv2.COLOR_BGR2RGB), _converted(cv2.COLOR_RGB2BGR)),
    'rgba8': Encoding(4, _converted(cv2.COLOR_RGBA2RGB), _converted(cv2.COLOR_RGB2RGBA)),
    'bgra8': Encoding(4, _converted(cv2.COLOR_BGRA2RGB), _converted(cv2.COLOR_RGB2BGRA)),
    'mono8': Encoding(1, _converted(cv2.COLOR_GRAY2RGB), _converted(cv2.COLOR_RGB2GRAY)),
    'yuv422': _UYVY,
    'uyvy': _UYVY,
    'yuv422_yuy2': _YUY2,
    'yuyv': _YUY2,
    # OpenCV names a pattern by its second row, ROS by its first: bayer_rggb8 is its BayerBG.
    'bayer_rggb8': _bayer('rggb', cv2.COLOR_BayerBG2RGB),
    'bayer_bggr8': _bayer('bggr', cv2.COLOR_BayerRG2RGB),
    'bayer_gbrg8': _bayer('gbrg', cv2.COLOR_BayerGR2RGB),
    'bayer_grbg8': _bayer('grbg', cv2.COLOR_BayerGB2RGB),
}
"""Encodings by their name in sensor_msgs/image_encodings.hpp, with 8 bits per sample."""
