"""Data sets: the same bytes from any number of processes, resumed where they stopped."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.synthesis import dataset
from latent_rag_ros.synthesis.arrays import crop_arrays, unpacked_masks
from latent_rag_ros.synthesis.dataset import content_hash, render_dataset, shards
from latent_rag_ros.synthesis.settings import Settings, SynthesisError
from latent_rag_ros.training.crops import load_crops

SETTINGS = Settings(people=4, crops=3, frames=2, seed=21, cameras=6)


@pytest.fixture(scope='module')
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small data set, made by two processes, in three shards."""
    folder = tmp_path_factory.mktemp('rendered')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, 'PEOPLE_PER_SHARD', 2)
        assert render_dataset(SETTINGS, folder, 2) == 3
    return folder


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the shards as small as those of the fixture."""
    monkeypatch.setattr(dataset, 'PEOPLE_PER_SHARD', 2)


def test_hash_is_the_same_when_one_process_renders(rendered: Path, tmp_path: Path) -> None:
    render_dataset(SETTINGS, tmp_path, 1)
    assert content_hash(tmp_path) == content_hash(rendered)


def test_hash_differs_when_the_seed_does(rendered: Path, tmp_path: Path) -> None:
    render_dataset(Settings(4, 3, 2, 22, 6), tmp_path, 1)
    assert content_hash(tmp_path) != content_hash(rendered)


def test_only_missing_shards_are_rendered_when_resumed(rendered: Path, tmp_path: Path) -> None:
    render_dataset(SETTINGS, tmp_path, 1)
    kept, lost, _ = (shard.path for shard in shards(SETTINGS, tmp_path))
    lost.unlink()
    before = kept.stat().st_mtime_ns
    assert render_dataset(SETTINGS, tmp_path, 1) == 1
    assert kept.stat().st_mtime_ns == before
    assert content_hash(tmp_path) == content_hash(rendered)
    assert not list(tmp_path.rglob('*temporary*'))


def test_folder_of_other_settings_is_refused(rendered: Path) -> None:
    with pytest.raises(SynthesisError, match='another folder'):
        render_dataset(Settings(5, 3, 2, 21, 6), rendered, 1)


@pytest.mark.parametrize('numbers', [(0, 3, 2, 21), (4, -1, 2, 21), (4, 3, 2, -1)])
def test_settings_refuse_numbers_that_make_no_data_set(numbers: tuple[int, ...]) -> None:
    with pytest.raises(SynthesisError, match='give'):
        Settings(*numbers)


def test_training_reads_the_crops(rendered: Path) -> None:
    crops = load_crops(rendered / 'crops')
    assert crops.images.shape == (12, 128, 64, 3)
    assert crops.identities.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert set(crops.cameras) <= set(range(6))


def test_masks_survive_packing() -> None:
    arrays = crop_arrays(SETTINGS, 1, 1)
    masks = unpacked_masks(arrays['masks'])
    assert masks.shape == (3, 128, 64)
    assert 0.05 < masks.mean() < 0.9


def test_frames_have_one_row_per_person(rendered: Path) -> None:
    with np.load(rendered / 'frames' / 'frames_000000.npz') as frames:
        people = len(frames['frame'])
        assert frames['images'].shape == (2, 480, 640, 3)
        assert frames['owners'].shape == (2, 480, 640)
        assert frames['owners'].max() <= 7
        for name, columns in (('visible_boxes', (4,)), ('full_boxes', (4,)),
                              ('identities', ()), ('hidden_shares', ())):
            assert frames[name].shape == (people, *columns)
