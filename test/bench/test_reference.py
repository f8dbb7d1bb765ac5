"""The algorithm at its published size: the size is right, and an iteration does what it should."""
from __future__ import annotations

import pytest
import torch

from latent_rag_ros.bench.reference import ReferenceAlgorithm, reference_speed
from latent_rag_ros.bench.reference_networks import (
    ReferenceEmbedder, ReferenceGenerator, parameter_count)


def test_networks_have_the_published_size_and_shapes():
    with torch.device('meta'):  # shapes without a single multiplication
        generator, embedder = ReferenceGenerator(), ReferenceEmbedder().eval()
        assert generator(torch.empty(2, 14, 512)).shape == (2, 3, 256, 256)
        assert embedder(torch.empty(2, 3, 256, 128)).shape == (2, 512)
    assert parameter_count(generator) == pytest.approx(24.8e6, rel=0.01)
    assert parameter_count(embedder) == pytest.approx(24.6e6, rel=0.01)


@pytest.mark.slow
def test_iteration_moves_coarse_and_fine_layers():
    algorithm = ReferenceAlgorithm('cpu')
    before = algorithm.codes.clone()
    algorithm.iterate()
    moved = (algorithm.codes - before).abs()
    torch.testing.assert_close(moved, torch.full_like(moved, 0.01), atol=1e-5, rtol=0)


@pytest.mark.slow
def test_time_per_person_is_that_of_all_iterations():
    figures = reference_speed('cpu', 1)
    parts = figures['embed_ms'] + 10 * figures['iteration_ms'] + figures['synthesise_ms']
    assert figures['ms_per_person'] == pytest.approx(parts, rel=0.01)
    assert figures['iterations_timed'] == 1
