"""What every data set reader returns: who is on which picture, and which pictures are compared."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from latent_rag_ros.evaluation.errors import EvaluationError

SUFFIXES = ('.jpg', '.jpeg', '.png')


@dataclass(frozen=True)
class Picture:
    """One crop of a data set.

    Parameters
    ----------
    path : Path
        The file.
    identity : int
        Who it shows; `ranking.JUNK` (-1) counts neither as hit nor as miss, `ranking.DISTRACTOR`
        (0) is always a miss. Both appear in a gallery only.
    camera : int
        Which camera took it, from 1.
    """

    path: Path
    identity: int
    camera: int


@dataclass(frozen=True)
class Dataset:
    """The lists of a data set.

    Parameters
    ----------
    name : str
        Name and protocol, for tables.
    train, query, gallery : tuple of Picture
        Identities of `train` are none of the other two.
    """

    name: str
    train: tuple[Picture, ...]
    query: tuple[Picture, ...]
    gallery: tuple[Picture, ...]


def checked(dataset: Dataset) -> Dataset:
    """Return the data set if it can be evaluated.

    Raises `EvaluationError` when a list is empty, a query is junk or a distractor, or a training
    identity is tested.
    """
    for name in ('train', 'query', 'gallery'):
        if not getattr(dataset, name):
            raise EvaluationError(f'{dataset.name} has no {name} pictures; unpack the whole data '
                                  'set')
    queries = {picture.identity for picture in dataset.query}
    if min(queries) < 1:
        raise EvaluationError(f'{dataset.name} has queries of identity {min(queries)}, which is '
                              'junk or a distractor; unpack the data set again')
    both = queries & {picture.identity for picture in dataset.train}
    if both:
        raise EvaluationError(f'{dataset.name} trains and tests on {len(both)} people, such as '
                              f'{min(both)}; unpack the data set again')
    return dataset


def listed(folder: Path, pattern: str) -> tuple[Picture, ...]:
    """Return the pictures of a folder whose names tell identity and camera, sorted by name.

    Parameters
    ----------
    pattern : str
        Regular expression of the beginning of a name, with the groups identity and camera.

    Raises
    ------
    EvaluationError
        The folder is missing, or a picture has another name.
    """
    if not folder.is_dir():
        raise EvaluationError(f'{folder} is missing; give the folder that holds it with --root')
    pictures = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        match = re.match(pattern, path.name)
        if not match:
            raise EvaluationError(f'{path} has a name that tells no identity and camera; it '
                                  f'should look like {pattern}')
        pictures.append(Picture(path, int(match[1]), int(match[2])))
    return tuple(pictures)


def first_existing(candidates: Iterable[Path]) -> Path:
    """Return the first path that exists; raises `EvaluationError` naming all when none does."""
    candidates = list(candidates)
    for path in candidates:
        if path.exists():
            return path
    raise EvaluationError(f'{" and ".join(map(str, candidates))} are missing; give the folder of '
                          'the unpacked data set with --root')
