"""Pictures of single people in a folder, for the retrieval store: who is on each, in batches."""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
IDENTITY_IN_NAME = re.compile(r'(-?\d+)_c\d')
"""Names such as `0002_c1s1_000451_03.jpg` of Market-1501 start with the identity."""

NOBODY = (-1, 0)
"""Identities of Market-1501 that are no person: junk and distractors."""


class PersonFolderError(OSError):
    """A folder of pictures is missing, empty, or holds something unreadable. Names it."""


@dataclass(frozen=True)
class PersonPicture:
    """One picture of one person: where it lies and who it is, a number within the folder."""

    path: Path
    identity: int


def person_pictures(folder: Path) -> list[PersonPicture]:
    """Return all pictures below a folder, sorted by path.

    The identity is the number that a name of Market-1501 starts with, else the subfolder counts as
    one person, else every picture does. Junk and distractors of Market-1501 are left out.

    Raises `PersonFolderError` when the folder is missing or holds no picture.
    """
    paths = sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise PersonFolderError(f'{folder} holds no pictures ({", ".join(SUFFIXES)}); give a '
                                'folder of person crops')
    names: dict[str, int] = {}
    pictures = []
    for path in paths:
        match = IDENTITY_IN_NAME.match(path.name)
        place = path if path.parent == folder else path.parent
        # own numbers from a million on, so that they never meet those of names
        identity = (int(match[1]) if match
                    else names.setdefault(str(place), 1_000_000 + len(names)))
        if identity not in NOBODY:
            pictures.append(PersonPicture(path, identity))
    return pictures


def read_picture(path: Path, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture scaled to height and width `size_px`, shape (h, w, 3), RGB.

    Raises `PersonFolderError` when the file is no picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise PersonFolderError(f'{path} is no picture that OpenCV can read; remove it or save '
                                'it again')
    shrinks = picture.shape[0] > size_px[0]
    scaled = cv2.resize(picture, size_px[::-1],
                        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)


def batches(pictures: Sequence[PersonPicture], size_px: tuple[int, int],
            count: int = 32) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield crops (n, 3, h, w), float, RGB in 0..1, and identities (n,), n at most `count`."""
    for start in range(0, len(pictures), count):
        part = pictures[start:start + count]
        images = np.stack([read_picture(picture.path, size_px) for picture in part])
        yield (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255,
               torch.tensor([picture.identity for picture in part]))
