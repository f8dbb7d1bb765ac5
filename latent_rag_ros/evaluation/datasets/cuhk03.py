"""CUHK03 (Li et al., CVPR 2014) by the new protocol of Zhong et al. (CVPR 2017): 767 / 700 people.

Boxes are `detected` or `labeled` by hand. Two layouts are read:

    {detected,labeled}/bounding_box_train, query, bounding_box_test      0003_c1_21.png
    images_{detected,labeled}/1_001_1_01.png  beside  cuhk03_new_protocol_config_{...}.mat

The first is known as cuhk03-np. In the second the pictures have been taken out of cuhk-03.mat
(camera pair, person, view, number) and the .mat of the protocol says which picture is what.
"""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from latent_rag_ros.evaluation.datasets.market1501 import folders
from latent_rag_ros.evaluation.datasets.pictures import (
    Dataset, Picture, checked, first_existing)
from latent_rag_ros.evaluation.errors import EvaluationError

BOXES = ('detected', 'labeled')
PROTOCOL_KEYS = ('filelist', 'labels', 'train_idx', 'query_idx', 'gallery_idx')


def read_cuhk03(root: Path, boxes: str = 'detected') -> Dataset:
    """Read the lists below `root`, which may also be the folder around `cuhk03-np` or `cuhk03`.

    Parameters
    ----------
    boxes : str
        `detected`, the harder and usual one, or `labeled`.

    Raises
    ------
    EvaluationError
        `boxes` is neither, a folder or picture is missing, or the .mat is not the protocol's.
    """
    if boxes not in BOXES:
        raise EvaluationError(f'boxes is {boxes!r}; choose one of {", ".join(BOXES)}')
    name, protocol = f'CUHK03 {boxes}', f'cuhk03_new_protocol_config_{boxes}.mat'
    if not any((root / inner / f'images_{boxes}').is_dir() for inner in ('', 'cuhk03')):
        for inner in ('', 'cuhk03'):
            if (root / inner / 'cuhk-03.mat').is_file():
                raise EvaluationError(
                    f'{root / inner} holds cuhk-03.mat but no images_{boxes}; take the pictures '
                    'out of it first (name them 1_001_1_01.png: camera pair, person, view, '
                    'number), or use the folders known as cuhk03-np')
    found = first_existing([root / boxes / 'bounding_box_test',
                            root / 'cuhk03-np' / boxes / 'bounding_box_test',
                            root / protocol, root / 'cuhk03' / protocol])
    if found.is_dir():
        return folders(found.parent, name)
    return _by_protocol(found, found.parent / f'images_{boxes}', name)


def _by_protocol(path: Path, folder: Path, name: str) -> Dataset:
    content = _protocol(path)
    files = [str(np.asarray(entry).item()) for entry in content['filelist'].ravel()]
    # matrices of MATLAB count from 1
    lists = {part: tuple(_picture(folder, files, content['labels'].ravel(), int(row) - 1, path)
                         for row in content[f'{part}_idx'].ravel())
             for part in ('train', 'query', 'gallery')}
    return checked(Dataset(name, **lists))


def _protocol(path: Path) -> Mapping[str, NDArray]:
    try:
        content = loadmat(path)
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise EvaluationError(f'{path} cannot be read ({error}); get the .mat of the new protocol '
                              'again') from error
    missing = [key for key in PROTOCOL_KEYS if key not in content]
    if missing:
        raise EvaluationError(f'{path} lacks {", ".join(missing)}; get the .mat of the new '
                              'protocol')
    return content


def _picture(folder: Path, files: list[str], identities: NDArray, row: int,
             protocol: Path) -> Picture:
    if not 0 <= row < len(files):
        raise EvaluationError(f'{protocol} names picture {row + 1} of {len(files)}; get it again')
    path = folder / files[row]
    if not path.is_file():
        raise EvaluationError(f'{path} is missing; take all pictures out of cuhk-03.mat')
    try:
        camera = int(path.name.split('_')[2])
    except (IndexError, ValueError) as error:
        raise EvaluationError(f'{path} has a name that tells no view; it should look like '
                              '1_001_1_01.png') from error
    return Picture(path, int(identities[row]), camera)
