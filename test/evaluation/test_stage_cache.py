"""Stages come back from disk under their own key only, and damaged ones are made again."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.evaluation.privacy.stage_cache import (
    StageCache, pictures_digest, source_digest)


class Counted:
    """Counts how often something is made."""

    def __init__(self) -> None:
        self.times = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """Return an array that tells how often it was made."""
        self.times += 1
        return {'value': np.array([self.times])}

    def figures(self) -> dict[str, int]:
        """Return figures that tell how often they were made."""
        self.times += 1
        return {'value': self.times}


def test_cache_makes_a_stage_once_per_key(tmp_path):
    made = Counted()
    for key, expected in (({'a': 1}, 1), ({'a': 1}, 1), ({'a': 2}, 2), ({'a': 1}, 1)):
        arrays = StageCache(tmp_path).arrays('protected', 'robot', key, made.arrays)
        assert arrays['value'].tolist() == [expected]
    assert not list(tmp_path.rglob('*.temporary'))


def test_cache_makes_figures_once_per_key(tmp_path):
    made = Counted()
    for key, expected in (({'a': 1}, 1), ({'a': 1}, 1), ({'a': 2}, 2)):
        assert StageCache(tmp_path).figures('scores', 'robot', key, made.figures) == {
            'value': expected}


def test_cache_makes_a_damaged_stage_again(tmp_path):
    made = Counted()
    cache = StageCache(tmp_path)
    cache.arrays('protected', 'robot', {}, made.arrays)
    next(tmp_path.rglob('*.npz')).write_bytes(b'no archive')
    assert cache.arrays('protected', 'robot', {}, made.arrays)['value'].tolist() == [2]
    assert cache.arrays('protected', 'robot', {}, made.arrays)['value'].tolist() == [2]


def test_cache_without_a_folder_keeps_nothing():
    made = Counted()
    cache = StageCache(None)
    for expected in (1, 2):
        assert cache.arrays('protected', 'robot', {}, made.arrays)['value'].tolist() == [expected]


def test_digests_tell_other_pictures_and_other_code_apart():
    zeros = np.zeros((2, 3), np.uint8)
    assert pictures_digest(zeros) == pictures_digest(zeros.copy())
    assert pictures_digest(zeros) != pictures_digest(zeros.reshape(3, 2))
    assert pictures_digest(zeros) != pictures_digest(zeros + 1)
    assert source_digest('latent_rag') != source_digest('evaluation/methods')
    assert source_digest('evaluation/metrics.py') == source_digest('evaluation/metrics.py')
