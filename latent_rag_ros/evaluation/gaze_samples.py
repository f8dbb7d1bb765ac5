"""Faces that the gaze reader learns from: degraded, cut out inexactly, turned and mirrored.

They are degraded further than the renderer did, above all by drawing them at the size that the
method draws: a reader that knows only sharp faces would call every enlarged one wrong.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.evaluation.face_sets import FaceLook
from latent_rag_ros.evaluation.gaze_crop import gaze_crop
from latent_rag_ros.evaluation.gaze_geometry import (
    Directions, gaze_directions, turned_in_picture)
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX as DRAWN_PX
from latent_rag_ros.identity_decoupling.face_square import face_square
from latent_rag_ros.protection.types import ImageArray

SMALL_SHARE, SMALL_PX = 0.5, (40.0, 90.0)
JPEG_SHARE, JPEG_QUALITY = 0.4, (50, 95)
JITTER_PER_SIDE, ROLL_DEG = 0.008, 12.0
"""Standard deviations: of every landmark, by the side of the square around the head, and of a turn
of the whole picture, which mixes yaw and pitch."""

SHIFT_PX = 3
GAIN = 0.7, 1.3


@dataclass(frozen=True)
class GazeSamples:
    """Faces (n, 112, 112) uint8, and where gazes and heads go in them (n, 2, 3)."""

    faces: NDArray[np.uint8]
    directions: NDArray[np.float32]

    def batch(self, rows: NDArray[np.int64], random: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return some faces (b, 1, 112, 112) in 0..1 and their directions (b, 2, 3).

        By chance they are mirrored, shifted by a few pixels, and brighter or darker.
        """
        faces, directions = self.faces[rows], self.directions[rows]
        mirrored = random.random(len(rows)) < 0.5
        faces = np.where(mirrored[:, None, None], faces[..., ::-1], faces)
        directions = np.where(mirrored[:, None, None], directions * np.float32([-1, 1, 1]),
                              directions)
        shifts = random.integers(-SHIFT_PX, SHIFT_PX + 1, (len(rows), 2))
        faces = np.stack([np.roll(face, shift, (0, 1)) for face, shift in zip(
            faces, shifts.tolist())])
        gain = random.uniform(*GAIN, (len(rows), 1, 1)).astype(np.float32)
        return (torch.from_numpy(np.clip(faces * gain, 0, 255) / 255)[:, None],
                torch.from_numpy(np.ascontiguousarray(directions)))


def gaze_samples(looks: Sequence[FaceLook], variants: int,
                 random: np.random.Generator) -> GazeSamples:
    """Return each of the faces, whose `gaze_deg` and `pose_deg` are known, `variants` times."""
    truth = np.stack([gaze_directions([look.gaze_deg for look in looks]),
                      gaze_directions([look.pose_deg[:2] for look in looks])], 1)
    faces, directions = zip(*[_sample(look, directions, random) for _ in range(variants)
                              for look, directions in zip(looks, truth)])
    return GazeSamples(np.stack(faces), np.stack(directions).astype(np.float32))


def _sample(look: FaceLook, directions: Directions, random: np.random.Generator,
            ) -> tuple[NDArray[np.uint8], Directions]:
    """Return one face cut out of its picture after degradation, and its directions (2, 3) there.

    Landmarks are turned around their middle, so that the face is cut out askew.
    """
    side_px = face_square(look.found.landmarks).width_px
    landmarks = look.found.landmarks + random.normal(0, JITTER_PER_SIDE * side_px, (5, 2))
    roll = np.radians(random.normal(0, ROLL_DEG))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    middle = landmarks.mean(0)
    landmarks = (landmarks - middle) @ turn.T + middle
    crop = gaze_crop(_degraded(look.image, side_px, random), landmarks.astype(np.float32))
    return crop.pixels, np.stack([turned_in_picture(one, crop.turn) for one in directions])


def _degraded(image: ImageArray, side_px: int, random: np.random.Generator) -> ImageArray:
    """Return a picture whose head was, by chance, stored smaller and by a codec."""
    if random.random() < SMALL_SHARE:
        small = DRAWN_PX if random.random() < 0.5 else random.uniform(*SMALL_PX)
        scale = min(1.0, small / side_px)
        tiny = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        image = cv2.resize(tiny, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    if random.random() < JPEG_SHARE:
        quality = int(random.integers(*JPEG_QUALITY))
        stored = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        image = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    return image
