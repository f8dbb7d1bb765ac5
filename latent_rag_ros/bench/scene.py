"""Frames with an exact number of walking people, the same on every machine."""
from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from latent_rag_ros.bench.cast import Cast, CutOut
from latent_rag_ros.protection.types import ImageArray

CAMERA_HZ = 30.0
LOOP_FRAMES = 90
"""Frames after which everybody is back: a loop has no jump that would end all tracks."""

CUT_OUTS = 16
"""Pictures of a walk: there and back in one loop, at ten a second as they were rendered."""

NOISE_LEVELS, NOISE_SEED = 1.5, 7
"""Deviation of the sensor's noise, without which successive frames would repeat themselves."""


@dataclass(frozen=True)
class Scene:
    """What a camera sees.

    Parameters
    ----------
    width_px, height_px : int
        Size of the frames.
    people : int
        People in every frame, at most rows x columns.
    rows, columns : int
        The grid whose cells people walk in; it sets their size, whatever their number.
    """

    width_px: int
    height_px: int
    people: int
    rows: int = 2
    columns: int = 5

    def __post_init__(self) -> None:
        """Raise `ValueError` for more people than cells."""
        if not 0 <= self.people <= self.rows * self.columns:
            raise ValueError(f'people is {self.people}; give 0 .. {self.rows * self.columns}, the '
                             f'cells of a grid of {self.rows} x {self.columns}')

    @property
    def size(self) -> str:
        """Width and height as in `640x480`."""
        return f'{self.width_px}x{self.height_px}'


class Stage:
    """Draws the frames of one scene.

    Parameters
    ----------
    scene : Scene
        What is to be seen.
    cast : Cast
        Who walks and where.
    """

    PERSON_SHARE = 0.85
    """Height of a person as a share of the cell's."""

    def __init__(self, scene: Scene, cast: Cast) -> None:
        self._scene = scene
        size = scene.width_px, scene.height_px
        self._street = cv2.resize(cast.street, size, interpolation=cv2.INTER_AREA)
        rng = np.random.default_rng(NOISE_SEED)
        self._noise = rng.normal(0, NOISE_LEVELS, self._street.shape).round().astype(np.int16)
        self._walks = [self._walk(cast, place) for place in range(scene.people)]

    def frame(self, number: int) -> ImageArray:
        """Return frame `number` (0 and above), RGB; `LOOP_FRAMES` later it comes again."""
        image = self._street.copy()
        for place, walk in enumerate(self._walks):
            phase = number / LOOP_FRAMES + place / max(1, len(self._walks))
            there_and_back = 1 - abs(2 * (phase % 1) - 1)
            cut_out = walk[round(there_and_back * (len(walk) - 1))]
            self._draw(image, cut_out, *self._position(place, phase, cut_out))
        # The noise moves by steps that share no divisor with the loop: no two frames are equal.
        steps = number * 7 % LOOP_FRAMES, number * 11 % LOOP_FRAMES
        shifted = np.roll(self._noise, steps, (0, 1))
        return np.clip(image + shifted, 0, 255).astype(np.uint8)

    def _walk(self, cast: Cast, place: int) -> list[CutOut]:
        """Return a person's pictures in the size of the cells, mirrored for every other cast."""
        turn, who = divmod(place, len(cast.actors))
        height_px = round(self.PERSON_SHARE * self._scene.height_px / self._scene.rows)
        return [_scaled(cut_out, height_px, mirrored=turn % 2 == 1)
                for cut_out in cast.actors[who][:CUT_OUTS]]

    def _position(self, place: int, phase: float, cut_out: CutOut) -> tuple[int, int]:
        """Return left and top of a person who walks to and fro in a cell."""
        scene = self._scene
        cell = int((place + 0.5) * scene.rows * scene.columns / scene.people)
        row, column = divmod(cell, scene.columns)
        cell_width, cell_height = scene.width_px / scene.columns, scene.height_px / scene.rows
        height, width = cut_out.mask.shape
        reach = max(0.0, (cell_width - width) / 2)
        centre = (column + 0.5) * cell_width + reach * math.sin(2 * math.pi * phase)
        return round(centre - width / 2), round((row + 0.97) * cell_height - height)

    @staticmethod
    def _draw(image: ImageArray, cut_out: CutOut, left: int, top: int) -> None:
        height, width = cut_out.mask.shape
        left = min(max(left, 0), image.shape[1] - width)
        place = image[top:top + height, left:left + width]
        share = (cut_out.mask / np.float32(255))[..., None]
        place[:] = np.rint(place * (1 - share) + cut_out.image * share).astype(np.uint8)


def _scaled(cut_out: CutOut, height_px: int, mirrored: bool) -> CutOut:
    width_px = round(cut_out.mask.shape[1] * height_px / cut_out.mask.shape[0])
    image, mask = (cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)
                   for picture in (cut_out.image, cut_out.mask))
    return CutOut(image[:, ::-1], mask[:, ::-1]) if mirrored else CutOut(image, mask)
