"""The held-out synthetic people: crops of rendered people that no weight and no store has seen."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.arrays_file import read_arrays
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.ranking import DISTRACTOR, Labels

DATA_DIRECTORY = Path(__file__).parent.parent / 'data'
SPLITS = ('test', 'validation')
HEIGHT_PX, WIDTH_PX = 128, 64
QUICK_IDENTITIES = 20


@dataclass(frozen=True)
class HeldOutPeople:
    """Crops of people with the identity and the camera of each.

    Parameters
    ----------
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    labels : Labels
        Identity and camera of every crop.
    queries : NDArray, optional
        Shape (n,), bool: True for the queries of a data set, False for its gallery. None: every
        crop is both.
    """

    images: NDArray[np.uint8]
    labels: Labels
    queries: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Number of crops."""
        return len(self.images)

    @property
    def identity_count(self) -> int:
        """Number of different people; junk and distractors are none."""
        return len(np.unique(self.labels.identities[self.labels.identities > DISTRACTOR]))

    @property
    def camera_count(self) -> int:
        """Number of different cameras."""
        return len(np.unique(self.labels.cameras))

    def first_identities(self, count: int) -> HeldOutPeople:
        """Return the crops of the `count` people with the lowest identity numbers."""
        chosen = np.unique(self.labels.identities)[:count]
        kept = np.isin(self.labels.identities, chosen)
        labels = Labels(self.labels.identities[kept], self.labels.cameras[kept])
        return HeldOutPeople(self.images[kept], labels)


def held_out_file(split: str, directory: Path | None = None) -> Path:
    """Return the file of one split: `test` for figures, `validation` for choosing settings."""
    if split not in SPLITS:
        raise EvaluationError(f'split is {split!r}; choose one of {", ".join(SPLITS)}')
    return (directory or DATA_DIRECTORY) / f'held_out_people_{split}.npz'


def load_held_out_people(split: str, directory: Path | None = None) -> HeldOutPeople:
    """Load one split of the held-out people.

    Parameters
    ----------
    split : str
        `test` or `validation`; their identities and cameras are disjoint.
    directory : Path, optional
        Folder of the files; the shipped ones by default.

    Returns
    -------
    HeldOutPeople
        All crops of the split, decoded to RGB.

    Raises
    ------
    EvaluationError
        The split is unknown, or its file is missing or damaged.
    """
    path = held_out_file(split, directory)
    arrays = read_arrays(path, ('jpeg_bytes', 'jpeg_ends', 'identities', 'cameras'))
    encoded = np.split(arrays['jpeg_bytes'], arrays['jpeg_ends'][:-1])
    images = np.stack([_decoded(data, path.name) for data in encoded])
    return HeldOutPeople(images, Labels(arrays['identities'], arrays['cameras']))


def _decoded(data: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None or image.shape != (HEIGHT_PX, WIDTH_PX, 3):
        raise EvaluationError(f'{name} holds a crop that is no {HEIGHT_PX}x{WIDTH_PX} JPEG; '
                              'the file is damaged, get it again')
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
