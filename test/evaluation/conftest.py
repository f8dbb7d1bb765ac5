"""Small untrained weights that belong together: the evaluation runs for real in seconds."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from latent_rag_ros.identity.embedder import FEATURE_DIMENSION, Embedder
from latent_rag_ros.latent_rag.encoder import Encoder
from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS, Generator
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE
from latent_rag_ros.latent_rag.store import RetrievalStore
from latent_rag_ros.training.unseen_embedder import UnseenEmbedder
from latent_rag_ros.weights.registry import register, sha256_of
from latent_rag_ros.weights.tensors import save_tensors

STORE_ROWS = 30


@pytest.fixture(scope='session')
def make_weights(tmp_path_factory) -> Callable[[list[int]], Path]:
    """Return a function that writes weights; the store shows the given identities."""

    def make(identities: list[int]) -> Path:
        folder = tmp_path_factory.mktemp('weights')
        generator = torch.Generator().manual_seed(1)
        with torch.random.fork_rng():
            torch.manual_seed(1)
            networks = {EMBEDDER_FILE: Embedder(), GENERATOR_FILE: Generator(),
                        'encoder.safetensors': Encoder(),
                        'unseen_embedder.safetensors': UnseenEmbedder()}
        for name, network in networks.items():
            save_tensors(folder / name, network.state_dict(), {})
            register(folder / name)
        features = torch.randn(STORE_ROWS, FEATURE_DIMENSION, generator=generator)
        codes = torch.randn(STORE_ROWS, LAYERS, CODE_DIMENSION, generator=generator)
        rows = torch.tensor((identities * STORE_ROWS)[:STORE_ROWS])
        made_with = {name: sha256_of(folder / name) for name in (EMBEDDER_FILE, GENERATOR_FILE)}
        RetrievalStore(normalize(features), codes, rows, made_with).save(folder / STORE_FILE)
        register(folder / STORE_FILE)
        return folder

    return make
