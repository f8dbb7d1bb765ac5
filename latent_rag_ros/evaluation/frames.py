"""Frames to measure coverage on."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.arrays_file import read_arrays
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import DATA_DIRECTORY
from latent_rag_ros.protection.types import ImageArray

CLIP_FILE = DATA_DIRECTORY / 'synthetic_people.mp4'
"""The shipped clip; the people in it are in no training set and not in the store."""

MASKS_FILE = DATA_DIRECTORY / 'synthetic_people_masks.npz'


@dataclass(frozen=True)
class LabelledFrame:
    """A raw frame and, where known, which person every pixel belongs to.

    Parameters
    ----------
    image : ImageArray
        Raw pixels, RGB.
    labels : NDArray or None
        Shape (height, width), uint8: 0 nobody, else a number per person. None when unknown.
    """

    image: ImageArray
    labels: NDArray[np.uint8] | None = None


def video_frames(path: Path, frames_max: int | None = None) -> Iterator[LabelledFrame]:
    """Yield the frames of a video, at most `frames_max`, without labels.

    Raises
    ------
    EvaluationError
        The file cannot be opened as a video or holds no frame.
    """
    video = cv2.VideoCapture(str(path))
    count = 0
    try:
        while (frames_max is None or count < frames_max) and video.isOpened():
            known, bgr = video.read()
            if not known:
                break
            count += 1
            yield LabelledFrame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    finally:
        video.release()
    if not count:
        raise EvaluationError(f'{path} is no video that OpenCV can read; give another --video')


def frame_count(path: Path) -> int | None:
    """Return how many frames the header of a video promises; None when it does not say."""
    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
    video.release()
    return count if count > 0 else None


def shipped_clip(clip: Path = CLIP_FILE, masks: Path = MASKS_FILE) -> Iterator[LabelledFrame]:
    """Yield the frames of the shipped clip of synthetic people with their exact person masks.

    Raises `EvaluationError` when the clip or its masks are missing or do not fit each other.
    """
    arrays = read_arrays(masks, ('frames', 'labels'))
    labels = dict(zip(arrays['frames'].tolist(), arrays['labels']))
    for index, frame in enumerate(video_frames(clip)):
        mask = labels.get(index)
        if mask is not None and mask.shape != frame.image.shape[:2]:
            raise EvaluationError(f'{clip.name} has frames of {frame.image.shape[:2]}, '
                                  f'{masks.name} of {mask.shape}; install the package again '
                                  'with its data')
        yield LabelledFrame(frame.image, mask)
