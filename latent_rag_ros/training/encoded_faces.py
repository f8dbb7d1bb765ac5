"""Training faces as the diffusion sees them: latents with what their conditions come from."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.encoder import IdentityEncoder
from latent_rag_ros.training.counterparts import Counterparts
from latent_rag_ros.training.faces import Faces
from latent_rag_ros.training.precision import mixed_precision

PICTURES_AT_ONCE = 64


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
    detail : Tensor
        Shape (n, 1, 96, 96), 0..1: how near eyes and mouth are.
    """

    pictures: Tensor
    latents: Tensor
    identity: Tensor
    counterparts: Tensor
    detail: Tensor


class EncodedFaces:
    """Draws faces, their latents and what they are to be drawn from.

    The identity of a face is that of its person, the mean over the pictures, as in the gallery of
    replacements; its shape is that of the counterpart, see `Faces.reshaped`.

    Parameters
    ----------
    faces : Faces
    autoencoder : FaceAutoencoder
    encoder : IdentityEncoder
    device : torch.device
    bfloat16 : bool
        Encode in half the bits.
    """

    def __init__(self, faces: Faces, autoencoder: FaceAutoencoder, encoder: IdentityEncoder,
                 device: torch.device, bfloat16: bool = False) -> None:
        self._faces, self._device, self._counterparts = faces, device, Counterparts(faces)
        self._autoencoder, self._bfloat16 = autoencoder.to(device).eval(), bfloat16
        self.people = self._identities(encoder.to(device).eval())

    @torch.no_grad()
    def _identities(self, encoder: IdentityEncoder) -> Tensor:
        """Return the identity (people, 256) of every person."""
        codes = []
        for start in range(0, len(self._faces.images), PICTURES_AT_ONCE):
            rows = np.arange(start, min(start + PICTURES_AT_ONCE, len(self._faces.images)))
            codes.append(functional.normalize(
                encoder(self._faces.tensor(rows).to(self._device))[0], dim=1))
        labels = torch.from_numpy(self._faces.identities).to(self._device)
        sums = codes[0].new_zeros(self._faces.people, codes[0].shape[1])
        return functional.normalize(sums.index_add_(0, labels, torch.cat(codes)), dim=1)

    def drawn(self, random: np.random.Generator, count: int) -> DrawnFaces:
        """Return `count` random faces."""
        rows = random.integers(0, len(self._faces.images), count)
        mirrored = random.random(count) < 0.5
        others = self._counterparts.drawn(rows, random)
        pictures, counterparts, detail, people = (values.to(self._device) for values in (
            self._faces.reshaped(rows, others, mirrored), self._faces.tensor(others, mirrored),
            self._faces.detail(others, mirrored), torch.from_numpy(self._faces.identities[rows])))
        with torch.no_grad(), mixed_precision(self._device, self._bfloat16):
            latents = self._autoencoder.encode(pictures)
        return DrawnFaces(pictures, latents, self.people[people], counterparts, detail)
