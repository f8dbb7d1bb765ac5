"""Build the retrieval store from rendered people: one feature and one code per crop.

Run `python -m latent_rag_ros.training.build_store --crops DIR --weights DIR`; the people must be
none of those the networks are evaluated on.
"""
from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE
from latent_rag_ros.latent_rag.store import RetrievalStore
from latent_rag_ros.latent_rag.store_builder import build_store
from latent_rag_ros.training.crops import Crops, load_crops
from latent_rag_ros.weights.registry import sha256_of

ENCODER_FILE = 'encoder.safetensors'
BATCH = 64


def in_batches(crops: Crops) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield crops (n, 3, 128, 64), RGB in 0..1, and their identities, a batch at a time."""
    for start in tqdm(range(0, len(crops.images), BATCH), desc='store'):
        rows = np.arange(start, min(start + BATCH, len(crops.images)))
        yield crops.tensor(rows), torch.from_numpy(crops.identities[rows])


def store_of(crops: Crops, weights: Path) -> RetrievalStore:
    """Return the store of these crops for the embedder, encoder and generator in `weights`."""
    embedder = load_embedder(weights / EMBEDDER_FILE)
    encoder = load_encoder(weights / ENCODER_FILE)
    made_with = {name: sha256_of(weights / name)
                 for name in (EMBEDDER_FILE, ENCODER_FILE, GENERATOR_FILE)}
    return build_store(in_batches(crops), embedder.embed, encoder, made_with)


def main() -> int:
    """Parse the command line, build the store, write it beside the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--crops', type=Path, required=True, help='folder with *.npz')
    parser.add_argument('--weights', type=Path, required=True, help='folder of the weights')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    torch.set_num_threads(1)
    store = store_of(load_crops(arguments.crops), arguments.weights)
    store.save(arguments.weights / STORE_FILE)
    logging.info('%d codes of %d people', len(store), len(store.identities.unique()))
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
