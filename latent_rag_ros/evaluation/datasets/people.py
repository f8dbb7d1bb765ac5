"""A public data set as people to measure: crops in the size of the filter, queries marked."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from latent_rag_ros.evaluation.datasets.cuhk03 import read_cuhk03
from latent_rag_ros.evaluation.datasets.market1501 import read_market1501
from latent_rag_ros.evaluation.datasets.msmt17 import read_msmt17
from latent_rag_ros.evaluation.datasets.pictures import Dataset, Picture
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import (
    HEIGHT_PX, QUICK_IDENTITIES, WIDTH_PX, HeldOutPeople)
from latent_rag_ros.evaluation.ranking import Labels

READERS: Mapping[str, Callable[[Path], Dataset]] = MappingProxyType({
    'market1501': read_market1501, 'msmt17': read_msmt17, 'cuhk03': read_cuhk03,
    'cuhk03-labeled': lambda root: read_cuhk03(root, 'labeled')})
"""Readers by the name on the command line."""

OTHERS_MAX = 500
"""Training pictures that the mean image is made of."""


def read_dataset(name: str, root: Path) -> Dataset:
    """Return the lists of a data set.

    Raises `EvaluationError` when the name is unknown or the folder is not in its layout.
    """
    if name not in READERS:
        raise EvaluationError(f'dataset is {name!r}; choose one of {", ".join(READERS)}')
    return READERS[name](root)


def dataset_people(name: str, root: Path, quick: bool = False,
                   ) -> tuple[HeldOutPeople, HeldOutPeople]:
    """Load the people to measure and others for the mean image, which are training people.

    Parameters
    ----------
    name : str
        One of `READERS`.
    root : Path
        Folder of the unpacked data set.
    quick : bool
        Only the first people: their queries, and the gallery pictures of them.

    Raises
    ------
    EvaluationError
        The data set is not there, or a picture cannot be read.
    """
    dataset = read_dataset(name, root)
    query, gallery = dataset.query, dataset.gallery
    if quick:
        chosen = sorted({picture.identity for picture in query})[:QUICK_IDENTITIES]
        query, gallery = (tuple(picture for picture in part if picture.identity in chosen)
                          for part in (query, gallery))
    people = _loaded((*query, *gallery), dataset.name)
    queries = np.arange(len(people)) < len(query)
    step = -(-len(dataset.train) // OTHERS_MAX)
    return (HeldOutPeople(people.images, people.labels, queries),
            _loaded(dataset.train[::step], f'{dataset.name}, training'))


def _loaded(pictures: Sequence[Picture], name: str) -> HeldOutPeople:
    images = np.stack([_read(picture.path) for picture in tqdm(pictures, desc=name, unit='crop')])
    return HeldOutPeople(images, Labels(
        np.array([picture.identity for picture in pictures]),
        np.array([picture.camera for picture in pictures])))


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise EvaluationError(f'{path} is no picture that OpenCV can read; get it again')
    scaled = cv2.resize(image, (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
