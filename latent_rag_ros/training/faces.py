"""Faces for training: rendered ones with all labels, or any folder of pictures of people."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.identity_decoupling.face_size import SIDE_PX
from latent_rag_ros.synthesis.landmark_warp import with_landmarks

SUFFIXES = ('.jpg', '.jpeg', '.png')
DETAIL_REGIONS = (3, 4)
"""Eyes and mouth, `synthesis.head_layers.EYES` and `MOUTH`; numba is needed to import these."""

LANDMARKS = 18
"""As many as `synthesis.head_landmarks.LANDMARK_NAMES` names; numba is needed to import these."""

DETAIL_SPREAD = 0.04
"""How far around them details reach, as a share of the side: brows, folds beside the mouth."""


@dataclass(frozen=True)
class Faces:
    """Labelled faces.

    Parameters
    ----------
    images : NDArray
        Shape (n, 96, 96, 3), uint8, RGB.
    identities : NDArray
        Shape (n,), int64, counted from 0.
    scenes : NDArray
        Shape (n,), int64: pictures of one scene are counterparts, they differ in the head alone.
    details : NDArray
        Shape (n, 96, 96), uint8: how near eyes or mouth are, 255 inside; 0 where nobody knows.
    landmarks : NDArray
        Shape (n, 18, 2), pixels, ordered as `synthesis.head_landmarks.LANDMARK_NAMES`; NaN where
        nobody knows.
    """

    images: NDArray[np.uint8]
    identities: NDArray[np.int64]
    scenes: NDArray[np.int64]
    details: NDArray[np.uint8]
    landmarks: NDArray[np.float32]

    @property
    def people(self) -> int:
        """Number of people."""
        return int(self.identities.max()) + 1

    def tensor(self, rows: NDArray[np.int64], mirrored: NDArray[np.bool_] | None = None) -> Tensor:
        """Return the images of `rows` as floats, shape (len(rows), 3, 96, 96), RGB in 0..1.

        `mirrored` (len(rows),) says which of them show left as right.
        """
        return _floats(self.images[rows], mirrored).permute(0, 3, 1, 2)

    def reshaped(self, rows: NDArray[np.int64], others: NDArray[np.int64],
                 mirrored: NDArray[np.bool_]) -> Tensor:
        """Return the images of `rows`, bent until their landmarks lie as those of `others` do.

        Both (n,); as `tensor` else. With a counterpart this is what another face looks like where
        the counterpart's is: same place of eyes and mouth, same turn, other skin, brows and hair.
        """
        images = np.stack([with_landmarks(self.images[row], self.landmarks[row],
                                          self.landmarks[other])
                           for row, other in zip(rows, others)])
        return _floats(images, mirrored).permute(0, 3, 1, 2)

    def detail(self, rows: NDArray[np.int64], mirrored: NDArray[np.bool_] | None = None) -> Tensor:
        """Return the details of `rows`, shape (len(rows), 1, 96, 96), in 0..1."""
        return _floats(self.details[rows], mirrored)[:, None]


def _floats(values: NDArray[np.uint8], mirrored: NDArray[np.bool_] | None) -> Tensor:
    """Return bytes (n, h, w, ...) as floats in 0..1, some of them mirrored."""
    if mirrored is not None:
        values = values.copy()
        values[mirrored] = values[mirrored, :, ::-1]
    return torch.from_numpy(values).float() / 255


def load_faces(*directories: Path) -> Faces:
    """Read rendered faces (`*.npz`) or pictures (`PERSON/*.jpg`, `*.png`) of one or more folders.

    Pictures are cut square around their middle and scaled: they should be face crops as
    `latent-rag synthesize --faces` makes them, with hair and chin in view. People of different
    folders are different people.

    Raises
    ------
    FileNotFoundError
        A folder holds neither.
    ValueError
        A picture cannot be read.
    """
    parts = [_rendered(files) if (files := sorted(directory.glob('*.npz')))
             else _photographed(directory) for directory in directories]
    people = np.cumsum([0] + [part.people for part in parts[:-1]])
    scenes = np.cumsum([0] + [int(part.scenes.max()) + 1 for part in parts[:-1]])
    return Faces(
        np.concatenate([part.images for part in parts]),
        np.concatenate([part.identities + first for part, first in zip(parts, people)]),
        np.concatenate([part.scenes + first for part, first in zip(parts, scenes)]),
        np.concatenate([part.details for part in parts]),
        np.concatenate([part.landmarks for part in parts]))


def _rendered(files: list[Path]) -> Faces:
    """Return the faces of files that `synthesis.face_arrays` filled."""
    parts = [dict(np.load(path)) for path in files]
    images = np.stack([_resized(image) for part in parts for image in part['images']])
    details = np.stack([_detail(regions) for part in parts for regions in part['regions']])
    scenes = (np.concatenate([part['scenes'] for part in parts]) if 'scenes' in parts[0]
              else np.arange(len(images)))
    side_px = parts[0]['images'].shape[1]
    landmarks = np.concatenate([part['landmarks'] for part in parts])
    return Faces(images, _numbered(np.concatenate([part['identities'] for part in parts])),
                 _numbered(scenes), details,
                 ((landmarks + 0.5) * SIDE_PX / side_px - 0.5).astype(np.float32))


def _photographed(directory: Path) -> Faces:
    """Return the pictures of a folder with one folder per person; each is a scene of its own."""
    pictures = [(person, path) for person in sorted(directory.glob('*/'))
                for path in sorted(person.iterdir()) if path.suffix.lower() in SUFFIXES]
    if not pictures:
        raise FileNotFoundError(
            f'no *.npz and no PERSON/*.jpg in {directory}; render faces into it with '
            'latent-rag synthesize --faces, or give a folder with one folder per person')
    images = np.stack([_square(path) for _, path in pictures])
    return Faces(images, _numbered(np.array([person.name for person, _ in pictures])),
                 np.arange(len(images)), np.zeros(images.shape[:3], np.uint8),
                 np.full((len(images), LANDMARKS, 2), np.nan, np.float32))


def _numbered(labels: NDArray) -> NDArray[np.int64]:
    """Return labels as numbers from 0, in their order."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _detail(regions: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how near eyes or mouth are to each pixel of a picture of regions."""
    inside = np.isin(regions, DETAIL_REGIONS).astype(np.float32)
    spread = DETAIL_SPREAD * regions.shape[0]
    reach = cv2.dilate(inside, cv2.getStructuringElement(
        cv2.MORPH_ELLIPSE, (2 * round(spread) + 1,) * 2))
    return _resized((255 * cv2.GaussianBlur(reach, (0, 0), spread / 2)).astype(np.uint8))


def _square(path: Path) -> NDArray[np.uint8]:
    """Return the middle square of a picture as RGB of the training's size."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f'{path} is no picture that OpenCV can read; take it out of the folder')
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top:top + side, left:left + side, ::-1]
    return _resized(np.ascontiguousarray(square))


def _resized(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
