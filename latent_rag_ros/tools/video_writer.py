"""Writing images to a video file that keeps the time of their stamps."""
from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.tools.demo_error import DemoError

HOLD_MAX_S = 5.0
"""Longest still picture in the video, however long the pause between two stamps was."""


class VideoWriter:
    """An MP4 file (MPEG-4 part 2) of constant rate; it appears only once it is complete.

    Where images are missing the last one stays, so the video runs as fast as the scene did.

    Parameters
    ----------
    path : Path
        The file, ending in `.mp4`; an older one is replaced on `close`.
    rate_hz : float
        Frames per second of the file.
    """

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._path, self._rate_hz = path, rate_hz
        self._partial = path.with_name(f'.{path.stem}.partial{path.suffix}')
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._last_s = 0.0
        self._last_bgr: cv2.typing.MatLike = np.zeros((0, 0, 3), np.uint8)
        self._owed_frames = 0.0
        self.frames_written = 0

    def write(self, image: ImageArray, stamp_s: float) -> None:
        """Append an image, RGB (H, W, 3) uint8, that was taken at `stamp_s` seconds.

        The first image sets the size; others are scaled to it. Raises `DemoError` when the file
        cannot be opened.
        """
        if self._writer is None:
            writer, frames = self._open(image), 1
        else:
            writer, frames = self._writer, self._frames_since_last(stamp_s)
        self._last_s = stamp_s
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        if bgr.shape[1::-1] != self._size:
            bgr = cv2.resize(bgr, self._size, interpolation=cv2.INTER_AREA)
        for _ in range(frames - 1):
            writer.write(self._last_bgr)
        if frames:
            writer.write(bgr)
        self._last_bgr = bgr
        self.frames_written += frames

    def close(self) -> bool:
        """Finish the file and move it into place; return whether there is one."""
        if self._writer is None:
            return False
        self._writer.release()
        self._writer = None
        os.replace(self._partial, self._path)
        return True

    def discard(self) -> None:
        """Leave nothing behind of a file that was not closed."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
        self._partial.unlink(missing_ok=True)

    def _frames_since_last(self, stamp_s: float) -> int:
        """Return how many frames of the file the time since the last image fills."""
        elapsed_s = min(max(stamp_s - self._last_s, 0.0), HOLD_MAX_S)
        self._owed_frames += elapsed_s * self._rate_hz
        frames = round(self._owed_frames)
        self._owed_frames -= frames
        return frames

    def _open(self, image: ImageArray) -> cv2.VideoWriter:
        self._size = image.shape[1], image.shape[0]
        writer = cv2.VideoWriter(str(self._partial), cv2.VideoWriter.fourcc(*'mp4v'),
                                 self._rate_hz, self._size)
        if not writer.isOpened():
            raise DemoError(f'{self._partial} cannot be written as MPEG-4 video of '
                            f'{self._size[0]} x {self._size[1]} px; choose a folder with --out '
                            'that can be written')
        self._writer = writer
        return writer
