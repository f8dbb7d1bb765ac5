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

SUFFIXES = ('.jpg', '.jpeg', '.png')


@dataclass(frozen=True)
class Faces:
    """Labelled faces.

    Parameters
    ----------
    images : NDArray
        Shape (n, 64, 64, 3), uint8, RGB.
    identities : NDArray
        Shape (n,), int64, counted from 0.
    """

    images: NDArray[np.uint8]
    identities: NDArray[np.int64]

    @property
    def people(self) -> int:
        """Number of people."""
        return int(self.identities.max()) + 1

    def tensor(self, rows: NDArray[np.int64], mirrored: NDArray[np.bool_] | None = None) -> Tensor:
        """Return the images of `rows` as floats, shape (len(rows), 3, 64, 64), RGB in 0..1.

        `mirrored` (len(rows),) says which of them show left as right.
        """
        images = self.images[rows]
        if mirrored is not None:
            images = np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
        return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def load_faces(directory: Path) -> Faces:
    """Read rendered faces (`*.npz`) or pictures (`PERSON/*.jpg`, `*.png`) of a folder.

    Pictures are cut square around their middle and scaled: they should be face crops as
    `latent-rag synthesize --faces` makes them, with hair and chin in view.

    Raises
    ------
    FileNotFoundError
        The folder holds neither.
    ValueError
        A picture cannot be read.
    """
    files = sorted(directory.glob('*.npz'))
    if files:
        parts = [np.load(path) for path in files]
        images = np.stack([_resized(image) for part in parts for image in part['images']])
        identities = np.concatenate([part['identities'] for part in parts])
    else:
        pictures = [(person, path) for person in sorted(directory.glob('*/'))
                    for path in sorted(person.iterdir()) if path.suffix.lower() in SUFFIXES]
        if not pictures:
            raise FileNotFoundError(
                f'no *.npz and no PERSON/*.jpg in {directory}; render faces into it with '
                'latent-rag synthesize --faces, or give a folder with one folder per person')
        images = np.stack([_square(path) for _, path in pictures])
        identities = np.array([person.name for person, _ in pictures])
    return Faces(images, np.unique(identities, return_inverse=True)[1].astype(np.int64))


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
