"""The labelled frames of `vtest.avi` for measuring who is covered: real pedestrians."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.frames import LabelledFrame, video_frames
from latent_rag_ros.evaluation.vtest import Track
from latent_rag_ros.protection.types import Box

CORE_WIDTH, CORE_HEIGHT = 0.5, 0.8
"""Share of a label's width and height, around its middle, that counts as the person: the boxes are
loose, and no network may decide which of their pixels are person."""


def vtest_frames(video: Path, tracks: Sequence[Track]) -> Iterator[LabelledFrame]:
    """Yield the frames up to the last labelled one; those without a label have no labels.

    Not everybody in a labelled frame is labelled, so only labelled people count.

    Raises `EvaluationError` when the video cannot be read or is too small for the labels.
    """
    boxes: dict[int, list[tuple[int, Box]]] = {}
    for track in tracks:
        for frame, box in track.boxes.items():
            boxes.setdefault(frame, []).append((track.number, box))
    for index, frame in enumerate(islice(video_frames(video), max(boxes) + 1)):
        size = frame.image.shape[:2]
        if any(box.clipped(*size) != box for _, box in boxes.get(index, ())):
            raise EvaluationError(f'{video.name} has frames of {size[1]}x{size[0]}, too small for '
                                  'the labels; give the vtest.avi of opencv-doc')
        labels = cores(boxes[index], *size) if index in boxes else None
        yield LabelledFrame(frame.image, labels)


def cores(boxes: Sequence[tuple[int, Box]], height_px: int, width_px: int) -> NDArray[np.uint8]:
    """Return the label image (height_px, width_px) of numbered boxes, the nearest drawn last."""
    labels = np.zeros((height_px, width_px), np.uint8)
    for number, box in sorted(boxes, key=lambda row: row[1].bottom):
        across = round(box.width_px * (1 - CORE_WIDTH) / 2)
        along = round(box.height_px * (1 - CORE_HEIGHT) / 2)
        labels[Box(box.left + across, box.top + along, box.right - across,
                   box.bottom - along).slices] = number
    return labels
