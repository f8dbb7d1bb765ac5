"""Small networks and people for the tests of Latent-RAG; random weights, fixed seed."""
from __future__ import annotations

import pytest
import torch

from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS, Generator
from latent_rag_ros.latent_rag.store import RetrievalStore

CODE_SHAPE = LAYERS, CODE_DIMENSION


@pytest.fixture
def embedder() -> Embedder:
    torch.manual_seed(2)
    return Embedder().eval().requires_grad_(False)


@pytest.fixture
def generator() -> Generator:
    torch.manual_seed(3)
    return Generator().eval().requires_grad_(False)


@pytest.fixture
def store() -> RetrievalStore:
    random = torch.Generator().manual_seed(4)
    features = torch.nn.functional.normalize(torch.randn(40, 256, generator=random))
    average = torch.randn(*CODE_SHAPE, generator=random)
    codes = average + torch.randn(40, *CODE_SHAPE, generator=random)
    return RetrievalStore(features, codes, torch.arange(40) // 4,
                          {'embedder.safetensors': 'a' * 64})
