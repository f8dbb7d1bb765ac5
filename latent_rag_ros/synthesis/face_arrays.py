"""What a file of rendered faces holds: pictures with their labels, as arrays."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .face_renderer import FacePicture, render_face
from .head import Head, sample_head
from .settings import Settings


def face_arrays(settings: Settings, first: int, count: int) -> dict[str, NDArray]:
    """Render the faces of heads first .. first + count - 1.

    Returns `images` (n, 128, 128, 3) uint8 RGB, `identities` (n,) int32, `regions` (n, 128, 128)
    uint8 (see `head_layers`), `landmarks` (n, k, 2) float32 in pixels (see `head_landmarks`),
    `pose_deg` (n, 3) float32 yaw, pitch, roll, `gaze_deg` (n, 2) float32 yaw, pitch relative to
    the camera, `expressions` (n,) uint8 (see `expressions`) and `native_px` (n,) float32. With
    counterparts also `scenes` (n,) int32: pictures of one scene differ in nothing but the head.
    """
    pictures, identities, scenes = [], [], []
    for number in range(first, first + count):
        leader = number - number % settings.counterparts
        head = _dressed_like(settings.seed, number, leader)
        pictures += [render_face(settings.seed, head, leader, picture)
                     for picture in range(settings.faces)]
        identities += [number] * settings.faces
        scenes += [leader * settings.faces + picture for picture in range(settings.faces)]
    found = _arrays(pictures, identities)
    return found | {'scenes': np.array(scenes, np.int32)} if settings.counterparts > 1 else found


def _dressed_like(seed: int, number: int, leader: int) -> Head:
    """Return head `number` in the clothes of head `leader`."""
    head = sample_head(seed, number)
    if number == leader:
        return head
    return replace(head, skin=replace(head.skin, cloth=sample_head(seed, leader).skin.cloth))


def _arrays(pictures: list[FacePicture], identities: list[int]) -> dict[str, NDArray]:
    poses = [picture.pose for picture in pictures]
    return {
        'images': np.stack([picture.image for picture in pictures]),
        'identities': np.array(identities, np.int32),
        'regions': np.stack([picture.regions for picture in pictures]),
        'landmarks': np.stack([picture.landmarks for picture in pictures]),
        'pose_deg': np.array([(pose.yaw_deg, pose.pitch_deg, pose.roll_deg) for pose in poses],
                             np.float32),
        'gaze_deg': np.array([pose.gaze_deg for pose in poses], np.float32),
        'expressions': np.array([pose.expression for pose in poses], np.uint8),
        'native_px': np.array([picture.native_px for picture in pictures], np.float32)}
