"""Twenty people of two plain colours each, as a folder and as crops."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.training.crops import Crops, load_crops


@pytest.fixture
def crops_folder(tmp_path: Path) -> Path:
    """Return a folder with six crops of each person, whose mask is the middle of the crop."""
    random = np.random.default_rng(1)
    identities = np.repeat(np.arange(20), 6)
    images = np.zeros((120, 128, 64, 3), np.uint8)
    for identity in range(20):
        top, legs = random.integers(0, 256, (2, 3))
        rows = identities == identity
        images[rows, :64], images[rows, 64:] = top, legs
    mask = np.zeros((128, 64), np.uint8)
    mask[8:120, 16:48] = 1
    images[:, mask == 0] = random.integers(0, 256, (120, 1, 3))
    images = np.clip(images + random.integers(0, 20, images.shape), 0, 255).astype(np.uint8)
    folder = tmp_path / 'crops'
    folder.mkdir()
    np.savez(folder / '0.npz', images=images, identities=identities,
             cameras=np.tile(np.arange(6), 20),
             masks=np.tile(np.packbits(mask.ravel()), (120, 1)))
    return folder


@pytest.fixture
def crops(crops_folder: Path) -> Crops:
    """Return the crops of the folder."""
    return load_crops(crops_folder)
