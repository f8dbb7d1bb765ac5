"""Counterparts: the same scene with another head, which is where attributes are learned from."""
from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.encoder import IdentityEncoder
from latent_rag_ros.identity_decoupling.face_mesh import FaceMesh, load_face_mesh
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX
from latent_rag_ros.identity_decoupling.face_structure import (
    structure_drawings, structure_map)
from latent_rag_ros.synthesis.dataset import render_dataset
from latent_rag_ros.synthesis.head_landmarks import LANDMARK_NAMES
from latent_rag_ros.synthesis.landmark_warp import with_landmarks
from latent_rag_ros.synthesis.settings import Settings
from latent_rag_ros.training.counterparts import Counterparts
from latent_rag_ros.training.encoded_faces import EncodedFaces
from latent_rag_ros.training.face_batches import FaceBatches
from latent_rag_ros.training.faces import LANDMARKS, Faces, load_faces

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import write_random_mesh  # noqa: E402


@pytest.fixture(scope='module')
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of six heads in two groups of three, four scenes each."""
    folder = tmp_path_factory.mktemp('rendered')
    render_dataset(Settings(6, 0, 0, 3, faces=4, counterparts=3), folder, 1)
    return folder / 'faces'


@pytest.fixture(scope='module')
def faces(rendered: Path) -> Faces:
    """Return them as the training reads them."""
    return load_faces(rendered)


def test_counterpart_is_the_same_scene_with_another_head(faces: Faces) -> None:
    rows = np.repeat(np.arange(len(faces.images)), 20)
    found = Counterparts(faces).drawn(rows, np.random.default_rng(0))
    assert (faces.scenes[found] == faces.scenes[rows]).all()
    assert (faces.identities[found] != faces.identities[rows]).all()
    assert {tuple(pair) for pair in np.stack([faces.identities[rows], faces.identities[found]], 1)
            } >= {(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)}


def test_picture_alone_in_its_scene_is_its_own_counterpart(faces: Faces) -> None:
    alone = Faces(faces.images, faces.identities, np.arange(len(faces.images)), faces.details,
                  faces.landmarks)
    rows = np.arange(len(faces.images))
    assert (Counterparts(alone).drawn(rows, np.random.default_rng(0)) == rows).all()


@pytest.mark.parametrize('people', [2, 3, 6, 50])
def test_batch_shows_every_person_and_every_scene_twice(faces: Faces, people: int) -> None:
    for seed in range(5):
        batch = FaceBatches(faces, people, 2).drawn(np.random.default_rng(seed))
        assert len(batch.rows) == 2 * min(people, 6)
        identities, scenes = faces.identities[batch.rows], faces.scenes[batch.rows]
        np.testing.assert_array_equal(identities[batch.same_person], identities)
        assert (scenes[batch.same_person] != scenes).all()
        np.testing.assert_array_equal(scenes[batch.same_scene], scenes)
        assert (identities[batch.same_scene] != identities).all()
        np.testing.assert_array_equal(batch.mirrored[batch.same_scene], batch.mirrored)


def test_batch_of_people_without_counterparts_has_their_own_attributes(faces: Faces) -> None:
    alone = Faces(faces.images, faces.identities, np.arange(len(faces.images)), faces.details,
                  faces.landmarks)
    batch = FaceBatches(alone, 4, 3).drawn(np.random.default_rng(0))
    assert (batch.same_scene == np.arange(12)).all()
    assert (batch.same_person != np.arange(12)).all()


def test_denoiser_learns_from_the_counterpart(faces: Faces) -> None:
    torch.manual_seed(0)
    encoded = EncodedFaces(faces, FaceAutoencoder(), IdentityEncoder(), FaceMesh().eval(),
                           torch.device('cpu'))
    pictures = [faces.tensor(np.arange(len(faces.images)), np.full(len(faces.images), mirrored))
                for mirrored in (False, True)]
    drawn = encoded.drawn(np.random.default_rng(1), 40)
    for identity, counterpart in zip(drawn.identity, drawn.counterparts):
        side = 0 if (pictures[0] == counterpart).flatten(1).all(1).any() else 1
        other, person = _found(pictures[side], counterpart), _found(encoded.people, identity)
        assert faces.identities[other] != person
        assert person in faces.identities[faces.scenes == faces.scenes[other]]
    torch.testing.assert_close(drawn.latents, encoded_latents(drawn.pictures))


def test_structure_is_that_of_the_counterpart(faces: Faces, tmp_path: Path) -> None:
    torch.manual_seed(0)
    mesh = load_face_mesh(write_random_mesh(tmp_path))
    encoded = EncodedFaces(faces, FaceAutoencoder(), IdentityEncoder(), mesh, torch.device('cpu'))
    drawn = encoded.drawn(np.random.default_rng(1), 40)
    shown = [structure_map(torch.from_numpy(seen)) for seen in (
        structure_drawings(mesh, drawn.counterparts),
        structure_drawings(mesh, drawn.counterparts.flip(3))[:, :, ::-1].copy())]
    own = structure_map(torch.from_numpy(structure_drawings(mesh, drawn.pictures)))
    for found, *same, other in zip(drawn.structure, *shown, own):
        if found.any():
            assert any(torch.equal(found, one) for one in same)
            assert not torch.equal(found, other)


def encoded_latents(pictures: torch.Tensor) -> torch.Tensor:
    """Return the latents of pictures by the face VAE of seed 0."""
    torch.manual_seed(0)
    with torch.no_grad():
        return FaceAutoencoder().eval().encode(pictures)


def test_every_landmark_that_is_rendered_is_read(faces: Faces) -> None:
    assert faces.landmarks.shape == (len(faces.images), LANDMARKS, 2)
    assert len(LANDMARK_NAMES) == LANDMARKS


def test_reshaped_faces_have_the_landmarks_of_their_counterparts(faces: Faces) -> None:
    rows = np.arange(len(faces.images))
    others = Counterparts(faces).drawn(rows, np.random.default_rng(0))
    mirrored = rows % 2 == 1
    found = faces.reshaped(rows, others, mirrored)
    for row, other, picture in zip(rows, others, found):
        wanted = with_landmarks(faces.images[row], faces.landmarks[row], faces.landmarks[other])
        wanted = wanted[:, ::-1] if mirrored[row] else wanted
        np.testing.assert_array_equal(picture.permute(1, 2, 0).numpy() * 255, wanted)


def _found(tensors: torch.Tensor, one: torch.Tensor) -> int:
    """Return the row of a tensor among others."""
    return int((tensors == one).flatten(1).all(1).nonzero()[0])


def test_details_are_where_eyes_and_mouth_are(faces: Faces, rendered: Path) -> None:
    regions = np.load(sorted(rendered.glob('*.npz'))[0])['regions'][0]
    regions = cv2.resize(regions, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_NEAREST)
    detail = faces.details[0]
    assert detail[np.isin(regions, (3, 4))].mean() > 150
    assert detail[regions == 0].mean() < 30


def test_people_of_two_folders_are_different_people(rendered: Path) -> None:
    both, one = load_faces(rendered, rendered), load_faces(rendered)
    assert both.people == 2 * one.people
    assert both.scenes.max() == 2 * one.scenes.max() + 1
    np.testing.assert_array_equal(both.images[len(one.images):], one.images)
