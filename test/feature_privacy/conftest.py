"""Forty-eight people of two plain colours each, and a toy extractor that only sees the colours."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from latent_rag_ros.feature_privacy.attacker import CollectedFeatures
from latent_rag_ros.feature_privacy.picture_space import OwnPictures
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.weights.tensors import save_tensors

PEOPLE, CROPS_EACH, TOY_DIMENSION = 48, 4, 16


@pytest.fixture(scope='session')
def crops() -> Crops:
    """Return crops whose person is the middle of the picture, in front of noise."""
    random = np.random.default_rng(3)
    identities = np.repeat(np.arange(PEOPLE), CROPS_EACH)
    images = np.zeros((len(identities), 128, 64, 3), np.uint8)
    for identity in range(PEOPLE):
        top, legs = random.integers(0, 256, (2, 3))
        images[identities == identity, :64] = top
        images[identities == identity, 64:] = legs
    mask = np.zeros((128, 64), np.uint8)
    mask[8:120, 16:48] = 1
    images[:, mask == 0] = random.integers(0, 256, (len(images), 1, 3))
    return Crops(images, identities, np.tile(np.arange(CROPS_EACH), PEOPLE),
                 np.tile(np.packbits(mask.ravel()), (len(images), 1)))


@pytest.fixture(scope='session')
def colour_features(crops: Crops) -> np.ndarray:
    """Return features (n, 16) of unit length, a fixed mixture of the two colours of a person."""
    colours = np.concatenate([crops.images[:, row, 32] for row in (40, 90)], axis=1) / 127.5 - 1
    mixture = np.random.default_rng(5).standard_normal((colours.shape[1] + 1, TOY_DIMENSION))
    mixed = np.concatenate([colours, np.ones((len(colours), 1))], axis=1) @ mixture
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope='session')
def collected(crops: Crops, colour_features: np.ndarray) -> CollectedFeatures:
    """Return what an attacker has collected of these people."""
    rows = np.arange(len(crops.images))
    pictures = OwnPictures(crops.images, crops.mask(rows)[:, 0].numpy() > 0.5)
    return CollectedFeatures(colour_features, pictures, crops.identities)


@pytest.fixture(scope='session')
def judge() -> Embedder:
    """Return a frozen embedder with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return Embedder().eval().requires_grad_(False)


@pytest.fixture(scope='session')
def plain_file(tmp_path_factory, judge: Embedder) -> Path:
    """Return a weights file of that embedder."""
    path = tmp_path_factory.mktemp('plain') / 'embedder.safetensors'
    save_tensors(path, judge.state_dict(), {})
    return path


@pytest.fixture(scope='session')
def turned() -> np.ndarray:
    """Return a rotation of the toy features, shape (16, 16)."""
    return np.linalg.qr(np.random.default_rng(9).standard_normal(
        (TOY_DIMENSION, TOY_DIMENSION)))[0].astype(np.float32)
