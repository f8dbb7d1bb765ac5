"""The retrieval store of rendered people: one feature and one code per crop.

The people must be none of those the networks were trained on or are evaluated on.
"""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, GENERATOR_FILE
from latent_rag_ros.latent_rag.store import RetrievalStore
from latent_rag_ros.latent_rag.store_builder import build_store
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.weights.registry import sha256_of

ENCODER_FILE = 'encoder.safetensors'
BATCH = 64


def in_batches(crops: Crops) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield crops (n, 3, 128, 64), RGB in 0..1, and their identities, a batch at a time."""
    for start in tqdm(range(0, len(crops.images), BATCH), desc='store'):
        rows = np.arange(start, min(start + BATCH, len(crops.images)))
        yield crops.tensor(rows), torch.from_numpy(crops.identities[rows])


def store_of(crops: Crops, weights: Path, device: str = 'cpu') -> RetrievalStore:
    """Return the store of these crops for the embedder, encoder and generator in `weights`.

    Features and codes are computed on `device`, `cpu` or `cuda:N`.
    """
    embedder = load_embedder(weights / EMBEDDER_FILE, device)
    encoder = load_encoder(weights / ENCODER_FILE, device)
    made_with = {name: sha256_of(weights / name)
                 for name in (EMBEDDER_FILE, ENCODER_FILE, GENERATOR_FILE)}
    return build_store(in_batches(crops), embedder.embed, encoder, made_with, device)

