"""Crops come from disk with everything that training needs to know of them."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.training.background_swap import swap_backgrounds
from latent_rag_ros.training.crops import Crops, load_crops
from latent_rag_ros.training.identity_sampler import IdentitySampler

ROWS = np.arange(8)


def test_crops_come_back_with_labels_and_masks(crops_folder):
    crops, stored = load_crops(crops_folder), np.load(crops_folder / '0.npz')
    assert (crops.images == stored['images']).all()
    assert (crops.identities == stored['identities']).all()
    assert crops.tensor(np.array([3])).shape == (1, 3, 128, 64)
    mask = crops.mask(np.array([3]))[0, 0]
    assert mask[64, 32] == 1 and mask[0, 0] == 0 and mask.sum() == 112 * 32


def test_people_and_cameras_of_different_seeds_have_different_numbers(crops_folder):
    first, second = load_crops(crops_folder, seed=1), load_crops(crops_folder, seed=2)
    assert not set(first.identities) & set(second.identities)
    assert not set(first.cameras) & set(second.cameras)


def test_missing_crops_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='no .*npz in'):
        load_crops(tmp_path)


def test_mask_is_refused_where_there_is_none(crops):
    bare = Crops(crops.images, crops.identities, crops.cameras)
    with pytest.raises(ValueError, match='no masks'):
        bare.mask(ROWS)
    assert (swap_backgrounds(bare, ROWS, 1.0, np.random.default_rng(0))
            == bare.tensor(ROWS)).all()


def test_swap_keeps_the_person_and_changes_what_is_around(crops):
    before = crops.tensor(ROWS)
    after = swap_backgrounds(crops, ROWS, 1.0, np.random.default_rng(0))
    assert (after[:, :, 12:116, 20:44] == before[:, :, 12:116, 20:44]).all()
    assert (after[:, :, :, :8] - before[:, :, :, :8]).abs().mean() > 0.1


def test_swap_shows_nothing_of_the_other_person(crops):
    """Where the other stood, outside this person, its street's mean colour stands."""
    masks = crops.masks.copy()
    narrow = np.zeros((128, 64), np.uint8)
    narrow[60:70, 30:34] = 1
    masks[0] = np.packbits(narrow.ravel())
    shrunk = Crops(crops.images, crops.identities, crops.cameras, masks)

    class SecondCrop:
        """Draws the second crop as background of every crop, and swaps all."""

        def integers(self, low, high, count):
            """Return the row of the second crop."""
            return np.full(count, 1)

        def random(self, count):
            """Return what lets every crop be swapped."""
            return np.zeros(count)

    after = swap_backgrounds(shrunk, np.array([0]), 1.0, SecondCrop())[0]
    where_other_stood = after[:, 20:50, 20:28]
    assert where_other_stood.std(dim=(1, 2)).max() < 1e-3
    street = crops.tensor(np.array([1]))[0, :, :, :12].mean((1, 2))
    assert (where_other_stood.mean((1, 2)) - street).abs().max() < 0.02


def test_batch_holds_the_neighbours_of_its_anchors(crops):
    import torch

    sampler = IdentitySampler(crops.identities, identities_per_batch=4, crops_each=3, anchors=2)
    directions = torch.eye(20)
    directions[::2] += 0.8 * torch.eye(20)[1::2]  # 0 looks like 1, 2 like 3 and so on
    for seed in range(20):
        rows = sampler.rows(np.random.default_rng(seed), directions)
        labels = sampler.labels[rows]
        chosen, counts = np.unique(labels, return_counts=True)
        assert (counts == 3).all() and len(chosen) == 4 and len(set(rows)) == 12
        assert len(set(chosen // 2)) <= 3


def test_too_few_people_are_refused(crops):
    with pytest.raises(ValueError, match='got 20 identities'):
        IdentitySampler(crops.identities, 21, 4, 4)
    with pytest.raises(ValueError, match='with 6 crops'):
        IdentitySampler(crops.identities, 16, 7, 4)
