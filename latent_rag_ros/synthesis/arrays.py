"""What a file of a data set holds: crops or frames as arrays, with their labels."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .crop_renderer import render_crop
from .frame_renderer import render_frame
from .person import sample_person
from .settings import Settings


def crop_arrays(settings: Settings, first: int, count: int) -> dict[str, NDArray]:
    """Render the crops of people first .. first + count - 1.

    Returns `images` (n, 128, 64, 3) uint8 RGB, `identities` and `cameras` (n,) int32, and
    `masks` (n, 1024) uint8: 128 x 64 bits per crop, see `unpacked_masks`.
    """
    crops, identities = [], []
    for number in range(first, first + count):
        person = sample_person(settings.seed, number)
        crops += [render_crop(settings.seed, person, number, crop, settings.cameras)
                  for crop in range(settings.crops)]
        identities += [number] * settings.crops
    return {
        'images': np.stack([crop.image for crop in crops]),
        'identities': np.array(identities, np.int32),
        'cameras': np.array([crop.camera for crop in crops], np.int32),
        'masks': np.stack([np.packbits(crop.mask) for crop in crops])}


def frame_arrays(settings: Settings, first: int, count: int) -> dict[str, NDArray]:
    """Render frames first .. first + count - 1.

    Returns `images` (n, 480, 640, 3) uint8 RGB, `owners` (n, 480, 640) uint8 (0 nobody, else 1 +
    position among the people of the frame) and `cameras` (n,) int32. One row per person: `frame`
    (m,) int32 row in `images`, `identities` (m,) int32, `visible_boxes` (m, 4) int32,
    `full_boxes` (m, 4) float32 and `hidden_shares` (m,) float32; see `frame_renderer.Instance`.
    """
    frames = [render_frame(settings.seed, number, settings.people, settings.cameras)
              for number in range(first, first + count)]
    rows = [(row, instance) for row, frame in enumerate(frames) for instance in frame.instances]

    def column(name: str, dtype: type, *shape: int) -> NDArray:
        return np.array([getattr(instance, name) for _, instance in rows],
                        dtype).reshape(-1, *shape)
    return {
        'images': np.stack([frame.image for frame in frames]),
        'owners': np.stack([frame.owners for frame in frames]),
        'cameras': np.array([frame.camera for frame in frames], np.int32),
        'frame': np.array([row for row, _ in rows], np.int32),
        'identities': column('identity', np.int32),
        'visible_boxes': column('visible_box', np.int32, 4),
        'full_boxes': column('full_box', np.float32, 4),
        'hidden_shares': column('hidden_share', np.float32)}


def unpacked_masks(masks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the person masks of crops (n, 128, 64) from their bits (n, 1024)."""
    return np.unpackbits(masks, axis=1).reshape(-1, 128, 64).astype(bool)
