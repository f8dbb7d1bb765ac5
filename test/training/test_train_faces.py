"""Training of the face networks: the whole path, tiny, resumed, from both kinds of folders."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder, load_autoencoder
from latent_rag_ros.identity_decoupling.encoder import IdentityEncoder, load_encoder
from latent_rag_ros.identity_decoupling.face_mesh import load_face_mesh
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX
from latent_rag_ros.identity_decoupling.face_structure import (
    structure_drawings, structure_map)
from latent_rag_ros.identity_decoupling.gallery import load_gallery
from latent_rag_ros.tools.command_line import main
from latent_rag_ros.training.encoded_faces import EncodedFaces, noised_conditions
from latent_rag_ros.training.faces import load_faces
from latent_rag_ros.training.train_faces import FIRST_AUTOENCODER, FIRST_ENCODER, NAMES

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import write_random_mesh  # noqa: E402


@pytest.fixture(scope='module')
def networks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder with a random mesh."""
    return str(write_random_mesh(tmp_path_factory.mktemp('networks')))


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
    assert faces.images.shape == (18, SIDE_PX, SIDE_PX, 3) and faces.people == 3
    assert faces.identities.tolist() == [0] * 6 + [1] * 6 + [2] * 6
    with pytest.raises(FileNotFoundError, match='no .*npz and no PERSON'):
        load_faces(tmp_path)


def test_mirrored_pictures_show_left_as_right(pictures: Path) -> None:
    faces, rows = load_faces(pictures), np.array([0, 1])
    plain, found = faces.tensor(rows), faces.tensor(rows, np.array([True, False]))
    assert torch.equal(found[0], plain[0].flip(2)) and torch.equal(found[1], plain[1])


def test_faces_are_encoded_with_the_identity_of_their_person(
        pictures: Path, networks: str) -> None:
    torch.manual_seed(0)
    encoded = EncodedFaces(load_faces(pictures), FaceAutoencoder(), IdentityEncoder(),
                           load_face_mesh(Path(networks)), torch.device('cpu'))
    assert len(encoded.people.unique(dim=0)) == 3
    torch.testing.assert_close(encoded.people.norm(dim=1), torch.ones(3))
    drawn = encoded.drawn(np.random.default_rng(0), 5)
    assert drawn.latents.shape == (5, 16, 16, 16)
    assert drawn.detail.shape == (5, 1, SIDE_PX, SIDE_PX)
    assert drawn.structure.shape == (5, 54, 16, 16)
    assert all(row in encoded.people for row in drawn.identity)
    assert drawn.pictures.shape == drawn.counterparts.shape == (5, 3, SIDE_PX, SIDE_PX)


def test_attributes_learn_on_with_the_teacher_and_identities_do_not(
        pictures: Path, networks: str, tmp_path: Path) -> None:
    assert main(['train', 'faces', '--faces', str(pictures), '--out', str(tmp_path),
                 '--recipe', 'tiny', '--networks', networks]) == 0
    first, last = (load_encoder(tmp_path / f'{name}.safetensors')
                   for name in (FIRST_ENCODER, 'face_encoder'))
    for before, after in zip(first.identity.parameters(), last.identity.parameters()):
        assert torch.equal(before, after)
    assert any(not torch.equal(before, after) for before, after in zip(
        first.attributes.parameters(), last.attributes.parameters()))


def test_decoder_learns_on_with_the_student_and_its_encoder_does_not(
        pictures: Path, networks: str, tmp_path: Path) -> None:
    assert main(['train', 'faces', '--faces', str(pictures), '--out', str(tmp_path),
                 '--recipe', 'tiny', '--networks', networks, '--processes', '2']) == 0
    first, last = (load_autoencoder(tmp_path / f'{name}.safetensors')
                   for name in (FIRST_AUTOENCODER, 'face_autoencoder'))
    assert torch.equal(first.scale, last.scale)
    for before, after in zip(first.encoder.parameters(), last.encoder.parameters()):
        assert torch.equal(before, after)
    assert any(not torch.equal(before, after) for before, after in zip(
        first.decoder.parameters(), last.decoder.parameters()))
    assert not (tmp_path / 'processes').exists()


def test_tiny_training_makes_every_file_and_does_nothing_twice(
        pictures: Path, networks: str, tmp_path: Path) -> None:
    arguments = ['train', 'faces', '--faces', str(pictures), '--out', str(tmp_path),
                 '--recipe', 'tiny', '--networks', networks]
    assert main(arguments) == 0
    files = [tmp_path / f'{name}.safetensors' for name in NAMES]
    before = [path.stat().st_mtime_ns for path in files]
    assert len(load_gallery(tmp_path / 'face_gallery.safetensors')) == 3
    found = json.loads((tmp_path / 'faces.json').read_text(encoding='utf-8'))
    assert set(found) == {'sampler_leak', 'information', 'identity_probe'}
    assert main(arguments) == 0
    assert [path.stat().st_mtime_ns for path in files] == before


def test_recipe_for_faces_is_refused_for_anything_else(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(['train', 'embedder', '--out', str(tmp_path), '--recipe', 'short']) == 1
    assert '--recipe short is for faces' in caplog.text


def test_faces_are_asked_for_when_they_are_missing(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(['train', 'faces', '--out', str(tmp_path)]) == 1
    assert '--faces FOLDER' in caplog.text


def test_networks_are_asked_for_when_they_are_missing(
        pictures: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert main(['train', 'faces', '--faces', str(pictures), '--out', str(tmp_path)]) == 1
    assert '--networks FOLDER' in caplog.text and 'convert_face_networks' in caplog.text


def test_structure_is_mirrored_with_the_picture_and_left_out_sometimes(
        pictures: Path, networks: str) -> None:
    torch.manual_seed(0)
    mesh = load_face_mesh(Path(networks))
    encoded = EncodedFaces(load_faces(pictures), FaceAutoencoder(), IdentityEncoder(), mesh,
                           torch.device('cpu'))
    drawn = encoded.drawn(np.random.default_rng(0), 200)
    empty = ~drawn.structure.flatten(1).any(1)
    assert 5 < int(empty.sum()) < 40
    upright = structure_map(torch.from_numpy(structure_drawings(mesh, drawn.counterparts)))
    turned = structure_map(torch.from_numpy(
        structure_drawings(mesh, drawn.counterparts.flip(3))).flip(2))
    for found, plain, mirrored in zip(drawn.structure[~empty], upright[~empty], turned[~empty]):
        assert torch.equal(found, plain) or torch.equal(found, mirrored)


def test_conditions_are_noised_and_structure_is_not() -> None:
    torch.manual_seed(0)
    attributes, structure = torch.zeros(300, 16, 16, 16), torch.rand(300, 54, 16, 16)
    found = noised_conditions(attributes, structure, 3.0)
    assert torch.equal(found[:, 16:], structure)
    amounts = found[:, :16].flatten(1).std(1)
    assert float(amounts.max()) < 3.1 and float(amounts.mean()) == pytest.approx(1.5, abs=0.2)
    assert torch.equal(noised_conditions(attributes, structure, 0.0)[:, :16], attributes)
