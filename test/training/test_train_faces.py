"""Training of the face networks: the whole path, tiny, resumed, from both kinds of folders."""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from latent_rag_ros.identity_decoupling.gallery import load_gallery
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.training.faces import load_faces
from latent_rag_ros.training.train_faces import NAMES


@pytest.fixture(scope='module')
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one folder of pictures per person."""
    folder, random = tmp_path_factory.mktemp('people'), np.random.default_rng(0)
    for person in ('anna', 'ben', 'carla'):
        (folder / person).mkdir()
        base = random.integers(0, 255, 3)
        for number in range(6):
            picture = np.clip(base + random.normal(0, 30, (140, 150, 3)), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / person / f'{number}.png'), picture)
    return folder


def test_pictures_are_read_with_their_people(pictures: Path, tmp_path: Path) -> None:
    faces = load_faces(pictures)
    assert faces.images.shape == (18, 128, 128, 3) and faces.people == 3
    assert faces.identities.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    with pytest.raises(FileNotFoundError, match='no .*npz and no PERSON'):
        load_faces(tmp_path)


def test_tiny_training_makes_every_file_and_does_nothing_twice(
        pictures: Path, tmp_path: Path) -> None:
    arguments = ['train', 'faces', '--faces', str(pictures), '--out', str(tmp_path),
                 '--recipe', 'tiny']
    assert main(arguments) == 0
    files = [tmp_path / f'{name}.safetensors' for name in NAMES]
    before = [path.stat().st_mtime_ns for path in files]
    assert len(load_gallery(tmp_path / 'face_gallery.safetensors')) == 3
    found = json.loads((tmp_path / 'faces.json').read_text(encoding='utf-8'))
    assert set(found) == {'sampler_leak', 'information', 'identity_probe'}
    assert main(arguments) == 0
    assert [path.stat().st_mtime_ns for path in files] == before


def test_faces_are_asked_for_when_they_are_missing(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(['train', 'faces', '--out', str(tmp_path)]) == 1
    assert '--faces FOLDER' in caplog.text
