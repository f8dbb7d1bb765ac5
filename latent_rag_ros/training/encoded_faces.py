"""Training faces as the diffusion sees them: latents with what their conditions come from."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.encoder import IdentityEncoder
from latent_rag_ros.identity_decoupling.face_mesh import FaceMesh
from latent_rag_ros.identity_decoupling.face_structure import structure_drawings, structure_map
from latent_rag_ros.training.counterparts import Counterparts
from latent_rag_ros.training.faces import Faces
from latent_rag_ros.training.precision import mixed_precision

PICTURES_AT_ONCE = 32
STRUCTURE_DROPPED = 0.1
"""How often the structure is left out, as it is where the mesh sees no face."""


@dataclass(frozen=True)
class DrawnFaces:
    """One batch of the diffusion.

    Parameters
    ----------
    pictures : Tensor
        Shape (n, 3, 96, 96), RGB in 0..1: what is to be drawn.
    latents : Tensor
        Shape (n, 16, 16, 16): the same.
    identity : Tensor
        Shape (n, 256), rows of length 1.
    counterparts : Tensor
        Shape (n, 3, 96, 96), RGB in 0..1: the same scenes and the same landmarks, other heads.
    structure : Tensor
        Shape (n, 54, 16, 16): where the parts of the counterparts are.
    detail : Tensor
        Shape (n, 1, 96, 96), 0..1: how near eyes and mouth are.
    """

    pictures: Tensor
    latents: Tensor
    identity: Tensor
    counterparts: Tensor
    structure: Tensor
    detail: Tensor


def noised_conditions(attributes: Tensor, structure: Tensor, noise_max: float) -> Tensor:
    """Return what the denoiser sees of faces, shape (n, 70, 16, 16).

    Attribute maps (n, 16, 16, 16) with noise whose standard deviation is drawn for every face,
    from none to `noise_max`, and beside them the structure (n, 54, 16, 16).
    """
    amount = noise_max * torch.rand(len(attributes), 1, 1, 1, device=attributes.device)
    return torch.cat([attributes + amount * torch.randn_like(attributes), structure], 1)


class EncodedFaces:
    """Draws faces, their latents and what they are to be drawn from.

    The identity of a face is that of its person, the mean over the pictures, as in the gallery of
    replacements; its shape is that of the counterpart, see `Faces.reshaped`.

    Parameters
    ----------
    faces : Faces
    autoencoder : FaceAutoencoder
    encoder : IdentityEncoder
    mesh : FaceMesh
        Sees the structure of every face, once.
    device : torch.device
    bfloat16 : bool
        Encode in half the bits.
    """

    def __init__(self, faces: Faces, autoencoder: FaceAutoencoder, encoder: IdentityEncoder,
                 mesh: FaceMesh, device: torch.device, bfloat16: bool = False) -> None:
        self._faces, self._device, self._counterparts = faces, device, Counterparts(faces)
        self._autoencoder, self._bfloat16 = autoencoder.to(device).eval(), bfloat16
        self.people = self._identities(encoder.to(device).eval())
        self._drawings = self._structures(mesh.to(device).eval())

    @torch.no_grad()
    def _identities(self, encoder: IdentityEncoder) -> Tensor:
        """Return the identity (people, 256) of every person."""
        codes = [functional.normalize(encoder(pictures)[0], dim=1)
                 for pictures in self._pictures()]
        labels = torch.from_numpy(self._faces.identities).to(self._device)
        sums = codes[0].new_zeros(self._faces.people, codes[0].shape[1])
        return functional.normalize(sums.index_add_(0, labels, torch.cat(codes)), dim=1)

    def _structures(self, mesh: FaceMesh) -> Tensor:
        """Return the drawings (n, 48, 48, 6) of all faces, uint8."""
        return torch.from_numpy(np.concatenate([structure_drawings(mesh, pictures)
                                                for pictures in self._pictures()]))

    def _pictures(self) -> Iterator[Tensor]:
        """Yield all pictures, some at once."""
        for start in range(0, len(self._faces.images), PICTURES_AT_ONCE):
            rows = np.arange(start, min(start + PICTURES_AT_ONCE, len(self._faces.images)))
            yield self._faces.tensor(rows).to(self._device)

    def _structure(self, rows: NDArray[np.int64], mirrored: NDArray[np.bool_],
                   random: np.random.Generator) -> Tensor:
        """Return the structure (n, 54, 16, 16) of faces, nothing of some of them."""
        drawings = self._drawings[torch.from_numpy(rows)]
        turned = torch.from_numpy(mirrored)
        drawings[turned] = drawings[turned].flip(2)
        drawings[torch.from_numpy(random.random(len(rows)) < STRUCTURE_DROPPED)] = 0
        return structure_map(drawings)

    def drawn(self, random: np.random.Generator, count: int) -> DrawnFaces:
        """Return `count` random faces."""
        rows = random.integers(0, len(self._faces.images), count)
        mirrored = random.random(count) < 0.5
        others = self._counterparts.drawn(rows, random)
        pictures, counterparts, structure, detail = (values.to(self._device) for values in (
            self._faces.reshaped(rows, others, mirrored), self._faces.tensor(others, mirrored),
            self._structure(others, mirrored, random), self._faces.detail(others, mirrored)))
        people = torch.from_numpy(self._faces.identities[rows]).to(self._device)
        with torch.no_grad(), mixed_precision(self._device, self._bfloat16):
            latents = self._autoencoder.encode(pictures)
        return DrawnFaces(pictures, latents, self.people[people], counterparts, structure, detail)
