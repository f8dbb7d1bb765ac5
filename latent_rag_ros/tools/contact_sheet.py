"""A picture of some moments of a recording: before on the left, after on the right."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from latent_rag_ros.protection.types import Box, ImageArray
from latent_rag_ros.tools.demo_error import DemoError
from latent_rag_ros.weights.registry import write_atomically

CELL_WIDTH_PX = 360
CAPTION_HEIGHT_PX = 26
MOMENTS_PER_ROW = 2
HIDDEN_LEVEL = 96
"""Grey level of a person who is not shown; differs from the filter's own solid fill."""
PAPER, INK = 255, 30


@dataclass(frozen=True)
class Moment:
    """One frame of the recording, scaled down for the sheet.

    Parameters
    ----------
    stamp_s : float
        Seconds since the first recorded frame.
    before, after : ImageArray
        RGB pictures of the same size.
    persons : int
        Persons that were covered.
    covered_px : int
        Area of their regions in pixels of the full frame.
    """

    stamp_s: float
    before: ImageArray
    after: ImageArray
    persons: int
    covered_px: int


def moment(stamp_s: float, after: ImageArray, boxes: Sequence[Box],
           raw: ImageArray | None) -> Moment:
    """Return one moment; without `raw` its left side is the protected frame, persons hidden.

    Parameters
    ----------
    stamp_s : float
        Seconds since the first recorded frame.
    after : ImageArray
        The published frame, RGB (H, W, 3).
    boxes : sequence of Box
        Covered regions of the persons.
    raw : ImageArray or None
        The camera's frame, RGB (H, W, 3); only where showing it is allowed.
    """
    before = hidden(after, boxes) if raw is None else raw
    return Moment(stamp_s, _scaled(before), _scaled(after), len(boxes),
                  sum(box.width_px * box.height_px for box in boxes))


def hidden(image: ImageArray, boxes: Sequence[Box]) -> ImageArray:
    """Return a copy of an RGB image (H, W, 3) with every box filled by one grey level."""
    result = image.copy()
    for box in boxes:
        result[box.clipped(*image.shape[:2]).slices] = HIDDEN_LEVEL
    return result


class MomentKeeper:
    """Keeps moments evenly spread over a recording of unknown length, in bounded memory.

    Parameters
    ----------
    capacity : int
        Most moments that are kept, at least 2. When there are more, every second one goes and
        from then on only every second new one is taken.
    """

    def __init__(self, capacity: int = 36) -> None:
        self._capacity, self._stride, self._seen = capacity, 1, 0
        self._kept: list[Moment] = []

    def wants_next(self) -> bool:
        """Count one more moment and return whether it would be kept, before it is made."""
        self._seen += 1
        return (self._seen - 1) % self._stride == 0

    def keep(self, candidate: Moment) -> None:
        """Keep a moment that was wanted."""
        self._kept.append(candidate)
        if len(self._kept) > self._capacity:
            self._kept = self._kept[::2]
            self._stride *= 2

    def best(self, count: int = 6) -> list[Moment]:
        """Return at most `count` moments in order of time: the fullest of every stretch."""
        stretches = np.array_split(np.arange(len(self._kept)), count)
        return [max((self._kept[row] for row in rows), key=lambda kept: kept.covered_px)
                for rows in stretches if len(rows)]


def contact_sheet(moments: Sequence[Moment], before_label: str, after_label: str) -> ImageArray:
    """Return the sheet as an RGB image: two moments a row, a caption above each picture.

    `moments` holds at least one. `before_label` and `after_label` start the captions.
    """
    height_px = max(one.after.shape[0] for one in moments)
    cells = [_cell(one, before_label, after_label, height_px) for one in moments]
    cells += [np.full_like(cells[0], PAPER)] * (-len(cells) % MOMENTS_PER_ROW)
    rows = [np.hstack(cells[start:start + MOMENTS_PER_ROW])
            for start in range(0, len(cells), MOMENTS_PER_ROW)]
    return np.vstack(rows)


def write_png(path: Path, image: ImageArray) -> None:
    """Write an RGB image (H, W, 3) as PNG, whole or not at all."""
    done, content = cv2.imencode('.png', cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
                                 [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise DemoError(f'{path} cannot be encoded as PNG of shape {image.shape}')
    write_atomically(path, content.tobytes())


def _scaled(image: ImageArray) -> ImageArray:
    height_px = max(1, round(image.shape[0] * CELL_WIDTH_PX / image.shape[1]))
    return np.asarray(cv2.resize(image, (CELL_WIDTH_PX, height_px),
                                 interpolation=cv2.INTER_AREA), np.uint8)


def _cell(one: Moment, before_label: str, after_label: str, height_px: int) -> ImageArray:
    count = f'{one.persons} person' + ('' if one.persons == 1 else 's')
    captions = f'{before_label}, {one.stamp_s:.1f} s', f'{after_label}, {count}'
    return np.hstack([_captioned(image, text, height_px)
                      for image, text in zip((one.before, one.after), captions)])


def _captioned(image: ImageArray, text: str, height_px: int) -> ImageArray:
    picture = np.full((CAPTION_HEIGHT_PX + height_px, CELL_WIDTH_PX + 4, 3), PAPER, np.uint8)
    picture[CAPTION_HEIGHT_PX:CAPTION_HEIGHT_PX + image.shape[0], 2:2 + CELL_WIDTH_PX] = image
    cv2.putText(picture, text, (6, CAPTION_HEIGHT_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.46,
                (INK,) * 3, 1, cv2.LINE_AA)
    return picture
