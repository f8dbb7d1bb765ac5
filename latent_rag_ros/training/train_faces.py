"""Everything that the identity-decoupled method learns, in order; resumes where it stopped."""
from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder, load_autoencoder
from latent_rag_ros.identity_decoupling.encoder import DisentangledEncoder, load_encoder
from latent_rag_ros.identity_decoupling.face_generator import (
    FaceGenerator, load_face_generator)
from latent_rag_ros.identity_decoupling.face_mesh import load_face_mesh
from latent_rag_ros.identity_decoupling.gallery import IdentityGallery, save_gallery
from latent_rag_ros.identity_decoupling.identity_probe import identity_probe
from latent_rag_ros.identity_decoupling.information_bracket import (
    InformationSettings, information_bracket)
from latent_rag_ros.identity_decoupling.leak_bits import sampler_leak
from latent_rag_ros.identity_decoupling.rejection_sampler import COSINE_MAX, TRIES
from latent_rag_ros.identity_decoupling.unet import load_unet
from latent_rag_ros.training import data_parallel
from latent_rag_ros.training.encoded_faces import EncodedFaces
from latent_rag_ros.training.faces import Faces, load_faces
from latent_rag_ros.training.train_face_autoencoder import (
    FaceAutoencoderSettings, FaceAutoencoderTraining)
from latent_rag_ros.training.train_face_diffusion import FaceDiffusionSettings, TeacherTraining
from latent_rag_ros.training.train_face_encoder import FaceEncoderSettings, FaceEncoderTraining
from latent_rag_ros.training.train_face_student import StudentTraining
from latent_rag_ros.weights.registry import register, write_atomically
from latent_rag_ros.weights.tensors import save_tensors

LOGGER = logging.getLogger('training')
FIRST_ENCODER, FIRST_AUTOENCODER = 'face_encoder_first', 'face_autoencoder_first'
"""The encoder before its attributes learn on with the teacher, and the face VAE before its decoder
learns on with the student."""

NAMES = (FIRST_ENCODER, FIRST_AUTOENCODER, 'face_encoder', 'face_teacher', 'face_autoencoder',
         'face_student')
PICTURES_AT_ONCE = 32


@dataclass(frozen=True)
class FaceRecipe:
    """One complete training."""

    encoder: FaceEncoderSettings = field(default_factory=FaceEncoderSettings)
    autoencoder: FaceAutoencoderSettings = field(default_factory=FaceAutoencoderSettings)
    diffusion: FaceDiffusionSettings = field(default_factory=FaceDiffusionSettings)
    information: InformationSettings = field(default_factory=InformationSettings)


FULL = FaceRecipe()
"""For a GPU; nobody has run it yet."""

SHORT = FaceRecipe(
    FaceEncoderSettings(iterations=2000, squeeze_iterations=0, people=8),
    FaceAutoencoderSettings(iterations=4500),
    FaceDiffusionSettings(iterations=7000, student_iterations=9500, batch=16, learning_rate=8e-4,
                          student_learning_rate=3e-4))
"""For two processes on two cores with bfloat16: about three hours."""

TINY = FaceRecipe(
    FaceEncoderSettings(iterations=2, squeeze_iterations=2, people=3, pictures=2),
    FaceAutoencoderSettings(2, 4),
    FaceDiffusionSettings(2, 2, batch=4), InformationSettings(iterations=4, resamples=3))
"""Proves the path in a minute; its weights are good for nothing."""

FACE_RECIPES = {'shipped': FULL, 'short': SHORT, 'tiny': TINY}


class FaceTraining:
    """Trains what is missing in a folder.

    Parameters
    ----------
    recipe : FaceRecipe
    faces : sequence of Path
        Folders of faces, see `faces.load_faces`.
    networks : Path
        Folder of the converted networks, for the mesh of faces.
    directory : Path
        Gets `face_*.safetensors`, `face_gallery.safetensors`, `faces.json`, checkpoints and logs.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, recipe: FaceRecipe, faces: Sequence[Path], networks: Path,
                 directory: Path, device: str = 'cpu') -> None:
        self._recipe, self._directory, self._device = recipe, directory, device
        self._networks = networks
        self._mesh = load_face_mesh(networks, device).to(memory_format=torch.channels_last)
        self._faces: Faces = load_faces(*faces)
        directory.mkdir(parents=True, exist_ok=True)

    def make(self) -> None:
        """Train, distil, make the gallery and measure what the codes give away."""
        faces, recipe = self._faces, self._recipe
        place = {'directory': self._directory, 'device': self._device}
        self._made((FIRST_ENCODER,), lambda: (
            FaceEncoderTraining(faces, recipe.encoder, **place).run(),))
        self._made((FIRST_AUTOENCODER,), lambda: (
            FaceAutoencoderTraining(faces, recipe.autoencoder, **place).run(),))
        self._made(('face_encoder', 'face_teacher'), self._teacher)
        self._made(('face_autoencoder', 'face_student'), self._student)
        if not data_parallel.rank():
            self._measure(load_face_generator(self._directory, self._networks,
                                              device=self._device))

    def _made(self, names: tuple[str, ...],
              make: Callable[[], tuple[nn.Module, ...]]) -> None:
        """Make networks unless all of their files are there; the first process writes them."""
        missing = any(not self._file(name).exists() for name in names)
        data_parallel.wait_for_all()  # all of them have looked before one writes
        if missing:
            for name, network in zip(names, make()):
                if not data_parallel.rank():
                    self._keep(name, network)
        data_parallel.wait_for_all()

    def _encoded(self, encoder: DisentangledEncoder) -> tuple[EncodedFaces, FaceAutoencoder]:
        autoencoder = load_autoencoder(self._file(FIRST_AUTOENCODER), self._device)
        return EncodedFaces(self._faces, autoencoder, encoder.identity, self._mesh,
                            torch.device(self._device), self._recipe.diffusion.bfloat16
                            ), autoencoder

    def _teacher(self) -> tuple[nn.Module, ...]:
        """Return the encoder with its last attributes, and the teacher."""
        encoder = load_encoder(self._file(FIRST_ENCODER), self._device)
        found = TeacherTraining(self._encoded(encoder)[0], encoder.attributes,
                                self._recipe.diffusion, self._directory, self._device).run()
        encoder.attributes = found['attributes']
        return encoder, found['unet']

    def _student(self) -> tuple[nn.Module, ...]:
        """Return the face VAE with its last decoder, and the student."""
        encoder = load_encoder(self._file('face_encoder'), self._device)
        faces, autoencoder = self._encoded(encoder)
        found = StudentTraining(
            faces, encoder.attributes, load_unet(self._file('face_teacher'), self._device),
            autoencoder, self._recipe.diffusion, self._directory, self._device).run()
        return found['autoencoder'], found['unet']

    def _file(self, name: str) -> Path:
        return self._directory / f'{name}.safetensors'

    def _keep(self, name: str, network: nn.Module) -> None:
        metadata = json.dumps(asdict(self._recipe) | {
            'people': self._faces.people, 'pictures': len(self._faces.images)})
        save_tensors(self._file(name), network.cpu().state_dict(), {'training': metadata})
        register(self._file(name))

    def _measure(self, generator: FaceGenerator) -> None:
        """Write the gallery, one code per person, and `faces.json`."""
        identity, attributes = self._codes(generator)
        people = np.stack([identity[self._faces.identities == person].mean(0)
                           for person in range(self._faces.people)])
        gallery = IdentityGallery(people)
        save_gallery(self._file('face_gallery'), gallery,
                     f'{len(gallery)} people of the training faces')
        register(self._file('face_gallery'))
        leak = sampler_leak(gallery.codes, gallery.codes, COSINE_MAX, TRIES)
        bracket = information_bracket(torch.from_numpy(identity), torch.from_numpy(attributes),
                                      self._recipe.information, self._device)
        probe = identity_probe(attributes, self._faces.identities)
        found = {'sampler_leak': asdict(leak), 'information': asdict(bracket),
                 'identity_probe': asdict(probe)}
        write_atomically(self._directory / 'faces.json',
                         (json.dumps(found, indent=2) + '\n').encode())
        LOGGER.info('%s', found)

    @torch.no_grad()
    def _codes(self, generator: FaceGenerator) -> tuple[NDArray[np.float32],
                                                         NDArray[np.float32]]:
        """Return identity directions (n, 256) and pooled attributes (n, 88) of all faces."""
        found = []
        for start in range(0, len(self._faces.images), PICTURES_AT_ONCE):
            rows = np.arange(start, min(start + PICTURES_AT_ONCE, len(self._faces.images)))
            found.append(generator.codes(self._faces.tensor(rows).to(self._device)))
        return tuple(torch.cat(part).cpu().numpy() for part in zip(*found))
