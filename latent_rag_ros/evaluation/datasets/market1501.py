"""Market-1501 (Zheng et al., ICCV 2015): folders of crops whose names tell who and which camera.

    bounding_box_train/  query/  bounding_box_test/      0002_c1s1_000451_03.jpg

The gallery holds distractors (identity 0) and junk (-1); see `ranking` for how both count.
"""
from __future__ import annotations

from pathlib import Path

from latent_rag_ros.evaluation.datasets.pictures import (
    Dataset, Picture, checked, first_existing, listed)
from latent_rag_ros.evaluation.ranking import JUNK

NAME = r'(-?\d+)_c(\d+)'


def read_market1501(root: Path) -> Dataset:
    """Read the lists below `root`, which may also be the folder around `Market-1501-v15.09.15`.

    Raises `EvaluationError` when a folder is missing or a name tells nothing.
    """
    folder = first_existing([root / 'bounding_box_test',
                             root / 'Market-1501-v15.09.15' / 'bounding_box_test']).parent
    return folders(folder, 'Market-1501')


def folders(folder: Path, name: str) -> Dataset:
    """Return the lists of three folders in the layout of Market-1501, as CUHK03-NP has it too."""
    return checked(Dataset(
        name, _without_junk(listed(folder / 'bounding_box_train', NAME)),
        _without_junk(listed(folder / 'query', NAME)),
        listed(folder / 'bounding_box_test', NAME)))


def _without_junk(pictures: tuple[Picture, ...]) -> tuple[Picture, ...]:
    return tuple(picture for picture in pictures if picture.identity != JUNK)
