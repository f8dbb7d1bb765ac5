"""A video file, a folder of images or a camera device as a sequence of RGB images."""
from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Protocol

import cv2

from latent_rag_ros.protection.types import ImageArray

SHIPPED_CLIP = Path(__file__).resolve().parents[1] / 'data' / 'synthetic_people.mp4'
"""Rendered people on a street; no real person is in it."""

IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg')
DEFAULT_RATE_HZ = 10.0
"""Rate of a source that has none of its own, such as a folder."""


class VideoSourceError(RuntimeError):
    """A source is missing or cannot be read. Names it and the remedy."""


class VideoSource(Protocol):
    """A sequence of images of one size.

    Attributes
    ----------
    rate_hz : float
        Images per second of the source itself, above 0.
    """

    rate_hz: float

    def read(self) -> ImageArray | None:
        """Return the next image; None after the last one. Raises `VideoSourceError`."""

    def rewind(self) -> None:
        """Continue with the first image. Raises `VideoSourceError`."""

    def close(self) -> None:
        """Free the source; it cannot be used afterwards."""


def open_video_source(source: str, width_px: int = 0) -> VideoSource:
    """Open what `source` names.

    Parameters
    ----------
    source : str
        Path of a video file or of a folder of png and jpg images, which are taken in the order
        of their names; or /dev/videoN. Empty means the shipped clip.
    width_px : int
        Width to scale to, height in proportion; 0 keeps the size of the first image.

    Raises
    ------
    VideoSourceError
        When there is no such source, or its first image cannot be read.
    """
    device = re.fullmatch(r'/dev/video(\d+)', source)
    if device:
        return CameraDevice(int(device[1]), width_px)
    path = Path(source) if source else SHIPPED_CLIP
    if path.is_dir():
        return ImageFolder(path, width_px)
    if not path.exists():
        raise VideoSourceError(f'source {str(path)!r} does not exist; give a video file, a folder '
                               'of images or /dev/videoN')
    return VideoFile(path, width_px)


class VideoFile:
    """Images of a video file, as far as they decode."""

    def __init__(self, path: Path, width_px: int = 0) -> None:
        """Open the file and decode its first image; raises `VideoSourceError`."""
        self._path = path
        self._capture = cv2.VideoCapture()
        self.rewind()
        decoded, first = self._capture.read()
        if not decoded:
            raise VideoSourceError(f'source {str(path)!r} holds no image that can be decoded; '
                                   'give a video file that OpenCV reads, such as mp4 or avi')
        self._scaler = _Scaler(first, width_px)
        self.rate_hz = _rate_hz(self._capture)
        self.rewind()

    def read(self) -> ImageArray | None:
        """Return the next image; None after the last one."""
        decoded, image = self._capture.read()
        return self._scaler.to_rgb(image) if decoded else None

    def rewind(self) -> None:
        """Continue with the first image; opens the file again, which is exact in every format."""
        if not self._capture.open(str(self._path)):
            raise VideoSourceError(f'source {str(self._path)!r} cannot be opened as a video; give '
                                   'a file that OpenCV reads, such as mp4 or avi')

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class ImageFolder:
    """Images of a folder in the order of their names, all scaled to the size of the first."""

    rate_hz = DEFAULT_RATE_HZ

    def __init__(self, path: Path, width_px: int = 0) -> None:
        """List the folder and decode its first image; raises `VideoSourceError`."""
        self._files = sorted(file for file in path.iterdir()
                             if file.suffix.lower() in IMAGE_SUFFIXES)
        if not self._files:
            raise VideoSourceError(f'source {str(path)!r} is a folder without images; '
                                   f'put {", ".join(IMAGE_SUFFIXES)} files into it')
        self._next = 0
        self._scaler = _Scaler(_decode(self._files[0]), width_px)

    def read(self) -> ImageArray | None:
        """Return the next image; None after the last one. Raises `VideoSourceError`."""
        if self._next == len(self._files):
            return None
        self._next += 1
        return self._scaler.to_rgb(_decode(self._files[self._next - 1]))

    def rewind(self) -> None:
        """Continue with the first image."""
        self._next = 0

    def close(self) -> None:
        """Do nothing: no file stays open."""


class CameraDevice:
    """Images of a camera of this machine; they have no end."""

    def __init__(self, number: int, width_px: int = 0) -> None:
        """Open /dev/video`number` and take a first image; raises `VideoSourceError`."""
        self._name = f'/dev/video{number}'
        if not Path(self._name).exists():
            raise VideoSourceError(f'source {self._name} does not exist; connect the camera, or '
                                   'list the devices there are with `ls /dev/video*`')
        self._capture = cv2.VideoCapture(number)
        self._scaler = _Scaler(self._grab(), width_px)
        self.rate_hz = _rate_hz(self._capture)

    def read(self) -> ImageArray:
        """Wait for the next image and return it. Raises `VideoSourceError` when none comes."""
        return self._scaler.to_rgb(self._grab())

    def rewind(self) -> None:
        """Do nothing: a camera has no first image."""

    def close(self) -> None:
        """Free the device."""
        self._capture.release()

    def _grab(self) -> ImageArray:
        grabbed, image = self._capture.read()
        if not grabbed:
            raise VideoSourceError(f'source {self._name} gives no image; check that it is a '
                                   'camera, that no other program uses it, and its permissions')
        return image


class _Scaler:
    """Turns BGR images of any size into RGB images of one size."""

    def __init__(self, first: ImageArray, width_px: int) -> None:
        height, width = first.shape[:2]
        self._width_px = width_px or width
        self._height_px = max(1, round(height * self._width_px / width))

    def to_rgb(self, image: ImageArray) -> ImageArray:
        if image.shape[:2] != (self._height_px, self._width_px):
            shrinks = image.shape[1] > self._width_px
            image = cv2.resize(image, (self._width_px, self._height_px),
                               interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _decode(file: Path) -> ImageArray:
    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise VideoSourceError(f'source {str(file)!r} cannot be decoded; replace or remove it')
    return image


def _rate_hz(capture: cv2.VideoCapture) -> float:
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    return rate_hz if math.isfinite(rate_hz) and rate_hz > 0 else DEFAULT_RATE_HZ
