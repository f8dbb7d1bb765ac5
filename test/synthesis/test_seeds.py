"""Random streams: the same for the same arguments, independent of everything else."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.synthesis.seeds import stream


def test_stream_repeats_itself_when_the_arguments_are_equal() -> None:
    first = stream(3, 'crop', 4, 5).random(8)
    stream(3, 'crop', 9, 9).random(100)
    np.testing.assert_array_equal(first, stream(3, 'crop', 4, 5).random(8))


@pytest.mark.parametrize('other', [(4, 'crop', 4, 5), (3, 'frame', 4, 5), (3, 'crop', 5, 4),
                                   (3, 'crop', 4)])
def test_stream_differs_when_any_argument_differs(other: tuple) -> None:
    assert not np.array_equal(stream(3, 'crop', 4, 5).random(8), stream(*other).random(8))


def test_stream_refuses_negative_seeds() -> None:
    with pytest.raises(ValueError):
        stream(-1, 'crop')
