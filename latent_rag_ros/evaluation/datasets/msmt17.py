"""MSMT17 (Wei et al., CVPR 2018), version 1 and 2: pictures by lists.

    list_train.txt  list_val.txt  list_query.txt  list_gallery.txt
        0000/0000_000_01_0303morning_0015_0.jpg 0        path below train or test, identity

The third number of a name is the camera. Training and test people are both counted from 0 there;
here identities start at 1, and those of the training people at 100 001.
"""
from __future__ import annotations

from pathlib import Path

from latent_rag_ros.evaluation.datasets.pictures import Dataset, Picture, checked, first_existing
from latent_rag_ros.evaluation.errors import EvaluationError

FOLDERS = {'train': ('train', 'mask_train_v2'), 'test': ('test', 'mask_test_v2')}
FIRST_TRAINED, FIRST_TESTED = 100_001, 1
"""Identity of the first training and of the first test person; 0 would be a distractor."""


def read_msmt17(root: Path) -> Dataset:
    """Read the lists below `root`, which may also be the folder around `MSMT17_V1` or `_V2`.

    The validation list belongs to the training people. Raises `EvaluationError` when a list, a
    folder or a picture is missing, or a line of a list is malformed.
    """
    folder = first_existing([root / 'list_query.txt', root / 'MSMT17_V1' / 'list_query.txt',
                             root / 'MSMT17_V2' / 'list_query.txt']).parent
    train, test = (first_existing(folder / name for name in FOLDERS[part])
                   for part in ('train', 'test'))
    trained = [picture for name in ('list_train.txt', 'list_val.txt')
               for picture in _listed(folder / name, train, FIRST_TRAINED)]
    return checked(Dataset('MSMT17', tuple(trained),
                           tuple(_listed(folder / 'list_query.txt', test, FIRST_TESTED)),
                           tuple(_listed(folder / 'list_gallery.txt', test, FIRST_TESTED))))


def _listed(path: Path, folder: Path, first_identity: int) -> list[Picture]:
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except OSError as error:
        raise EvaluationError(f'{path} cannot be read ({error.strerror}); unpack the whole data '
                              'set') from error
    pictures = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            name, identity = line.split()
            camera = int(Path(name).name.split('_')[2])
            picture = Picture(folder / name, int(identity) + first_identity, camera)
        except (ValueError, IndexError) as error:
            raise EvaluationError(f'{path} line {number} is {line!r}; expected a path such as '
                                  '0000/0000_000_01_0303morning_0015_0.jpg and an identity'
                                  ) from error
        if not picture.path.is_file():
            raise EvaluationError(f'{picture.path}, of {path.name} line {number}, is missing; '
                                  'unpack the whole data set')
        pictures.append(picture)
    return pictures
