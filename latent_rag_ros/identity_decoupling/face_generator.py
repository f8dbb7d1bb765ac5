"""Faces with another identity: encoder, mesh, denoiser and decoder, teacher or student."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from latent_rag_ros.identity_decoupling.autoencoder import (
    LATENT_CHANNELS, LATENT_SIDE, FaceAutoencoder, load_autoencoder)
from latent_rag_ros.identity_decoupling.consistency import sample_student
from latent_rag_ros.identity_decoupling.diffusion import (
    GUIDANCE, Denoiser, guided, sample_teacher)
from latent_rag_ros.identity_decoupling.encoder import (
    DisentangledEncoder, load_encoder, pooled)
from latent_rag_ros.identity_decoupling.face_mesh import FaceMesh, load_face_mesh
from latent_rag_ros.identity_decoupling.face_structure import (
    pooled_structure, structure_drawings, structure_map)
from latent_rag_ros.identity_decoupling.unet import FaceUNet, load_unet

TEACHER, STUDENT = 'teacher', 'student'

STUDENT_STEPS, ATTRIBUTE_NOISE = 1, 6.0
"""What the filter takes unless it is told otherwise; see docs/identity_decoupling.md for others.
"""


@dataclass(frozen=True)
class FaceGenerator:
    """Draws faces from identity codes, attribute maps and the structure of a face.

    Parameters
    ----------
    encoder, autoencoder, unet :
        Frozen networks of one training.
    mesh : FaceMesh
        Sees the structure.
    kind : str
        `teacher`: up to 50 steps with guidance; `student`: 1 to 4.
    steps : int
        How many it takes.
    guidance : float
        Of the teacher; the student has learned one.
    attribute_noise : float
        Standard deviation of the noise on attribute maps, whose own is about 1. It covers the fine
        looks of a face; the same for all pictures of a seed, as a mean over different ones would
        be free of it. Structure is not noised.
    """

    encoder: DisentangledEncoder
    autoencoder: FaceAutoencoder
    unet: FaceUNet
    mesh: FaceMesh
    kind: str = STUDENT
    steps: int = STUDENT_STEPS
    guidance: float = GUIDANCE
    attribute_noise: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a kind that does not exist, or for negative noise."""
        if self.kind not in (TEACHER, STUDENT):
            raise ValueError(f'kind is {self.kind!r}; choose {TEACHER} or {STUDENT}')
        if not self.attribute_noise >= 0:
            raise ValueError(f'attribute_noise is {self.attribute_noise}; give 0 or more')

    @torch.no_grad()
    def latents(self, identity: Tensor, attributes: Tensor, structure: Tensor,
                seed: int) -> Tensor:
        """Return latents (n, 16, 16, 16); equal arguments give equal latents.

        Parameters
        ----------
        identity : Tensor
            Shape (n, 256), rows of length 1: the replacements.
        attributes : Tensor
            Shape (n, 16, 16, 16): of the faces that are replaced.
        structure : Tensor
            Shape (n, 54, 16, 16): of the same, see `structure`.
        seed : int
            Draws all noise, the same for every row: one per track keeps its face from flickering.

        Raises
        ------
        ValueError
            The steps are outside what the kind can do.
        """
        generator = torch.Generator().manual_seed(seed)
        one = torch.randn((1, LATENT_CHANNELS, LATENT_SIDE, LATENT_SIDE), generator=generator)
        start = one.expand(len(identity), -1, -1, -1).to(identity)
        noise = torch.randn(attributes.shape[1:], generator=generator).to(attributes)
        attributes = torch.cat([attributes + self.attribute_noise * noise, structure], 1)
        if self.kind == TEACHER:
            return sample_teacher(self._teacher(identity, attributes), start, self.steps)
        return sample_student(lambda noisy, times: self.unet(noisy, times, identity, attributes),
                              start, self.steps, generator)

    def structure(self, originals: Tensor) -> Tensor:
        """Return where the parts of faces (n, 3, 96, 96), RGB in 0..1, are: (n, 54, 16, 16)."""
        return structure_map(torch.from_numpy(structure_drawings(self.mesh, originals))
                             ).to(originals)

    def codes(self, originals: Tensor) -> tuple[Tensor, Tensor]:
        """Return identity directions (n, 256) and pooled attributes (n, 88) of `originals`.

        The attributes are those of the map, without noise, and the structure beside them: all
        that a drawn face follows from, but for the replacement.
        """
        codes = self.encoder(originals)
        return codes.direction, torch.cat(
            [pooled(codes.attributes), pooled_structure(self.structure(originals))], 1)

    def faces(self, originals: Tensor, identity: Tensor, seed: int) -> Tensor:
        """Return faces (n, 3, 96, 96) with the attributes of `originals`, RGB in 0..1."""
        with torch.no_grad():
            attributes = self.encoder(originals).attributes
            return self.autoencoder.decode(self.latents(
                identity, attributes, self.structure(originals), seed))

    def _teacher(self, identity: Tensor, attributes: Tensor) -> Denoiser:
        def denoise(noisy: Tensor, times: Tensor) -> Tensor:
            """Return the guided prediction for these codes."""
            return guided(lambda values, at, dropped: self.unet(
                values, at, identity, attributes, dropped), noisy, times, self.guidance)
        return denoise


def load_face_generator(directory: Path, networks: Path, kind: str = STUDENT,
                        steps: int = STUDENT_STEPS, device: str = 'cpu',
                        attribute_noise: float = 0.0) -> FaceGenerator:
    """Load what `latent-rag train faces` wrote, and the mesh from the converted networks.

    Raises `WeightsError` for anything else.
    """
    parts = (load_encoder(directory / 'face_encoder.safetensors', device),
             load_autoencoder(directory / 'face_autoencoder.safetensors', device),
             load_unet(directory / f'face_{kind}.safetensors', device),
             load_face_mesh(networks, device))
    for network in parts:  # a third faster on a processor
        network.to(memory_format=torch.channels_last)
    return FaceGenerator(*parts, kind, steps, attribute_noise=attribute_noise)
