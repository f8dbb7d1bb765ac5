"""The vendored networks compute what their TensorFlow.js sources compute.

`source_model_outputs.npz` holds what TensorFlow.js computes with the source files for
`people_0.jpg`; `scripts/source_model_outputs.py` makes it.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.perception import nanodet
from latent_rag_ros.perception.nanodet import STRIDES_PX
from latent_rag_ros.perception.network import Network
from latent_rag_ros.perception.person_mask import PersonMasker
from latent_rag_ros.protection.types import Box, ImageArray
from latent_rag_ros.weights.registry import weights_file

DATA = Path(__file__).resolve().parents[1] / 'data'
PERSON_IN_PEOPLE_0 = Box(299, 289, 332, 429)


@pytest.fixture(scope='module')
def source_outputs() -> dict[str, np.ndarray]:
    with np.load(DATA / 'source_model_outputs.npz') as stored:
        return dict(stored)


@pytest.mark.parametrize('stride', STRIDES_PX)
def test_detector_equals_its_source(
        people: list[tuple[ImageArray, list[list[int]]]], source_outputs: dict[str, np.ndarray],
        stride: int) -> None:
    network = Network(weights_file(nanodet.WEIGHTS_NAME), [f'scores_{stride}', f'sides_{stride}'])
    scores, sides = network.run(nanodet.network_input(people[0][0]))
    np.testing.assert_allclose(scores[0, :, nanodet.PERSON], source_outputs[f'scores_{stride}'],
                               atol=1e-4)
    np.testing.assert_allclose(sides[0, source_outputs[f'cells_{stride}']],
                               source_outputs[f'sides_{stride}'], atol=1e-3)


def test_mask_equals_its_source(
        masker: PersonMasker, people: list[tuple[ImageArray, list[list[int]]]],
        source_outputs: dict[str, np.ndarray]) -> None:
    probability = masker.probability(people[0][0], PERSON_IN_PEOPLE_0)
    np.testing.assert_allclose(probability[::4, ::4], source_outputs['probability'], atol=1e-3)
