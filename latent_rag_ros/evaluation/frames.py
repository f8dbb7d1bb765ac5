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

HELD_OUT_FRAMES_FILE = DATA_DIRECTORY / 'held_out_frames.npz'
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
    starts_sequence : bool
        The frame before it shows something else: tracks must not go on.
    """

    image: ImageArray
    labels: NDArray[np.uint8] | None = None
    starts_sequence: bool = False


def video_frames(path: Path) -> Iterator[LabelledFrame]:
    """Yield the frames of a video, without labels.

    Raises
    ------
    EvaluationError
        The file cannot be opened as a video or holds no frame.
    """
    video = cv2.VideoCapture(str(path))
    empty = True
    try:
        while video.isOpened():
            known, bgr = video.read()
            if not known:
                break
            empty = False
            yield LabelledFrame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
    finally:
        video.release()
    if empty:
        raise EvaluationError(f'{path} is no video that OpenCV can read; give another --video')


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


def held_out_frames(path: Path = HELD_OUT_FRAMES_FILE) -> Iterator[LabelledFrame]:
    """Yield the shipped single frames with exact person masks; each starts a new sequence.

    Raises `EvaluationError` when the file is missing or damaged.
    """
    arrays = read_arrays(path, ('jpeg_bytes', 'jpeg_ends', 'png_bytes', 'png_ends'))
    pictures = np.split(arrays['jpeg_bytes'], arrays['jpeg_ends'][:-1])
    masks = np.split(arrays['png_bytes'], arrays['png_ends'][:-1])
    for picture, mask in zip(pictures, masks):
        bgr = cv2.imdecode(picture, cv2.IMREAD_COLOR) if len(picture) else None
        labels = cv2.imdecode(mask, cv2.IMREAD_GRAYSCALE) if len(mask) else None
        if bgr is None or labels is None or bgr.shape[:2] != labels.shape:
            raise EvaluationError(f'{path.name} holds a frame without its mask; install the '
                                  'package again with its data')
        yield LabelledFrame(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), labels, starts_sequence=True)
