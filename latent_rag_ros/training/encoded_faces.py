"""Training faces as the diffusion sees them: latents with what their conditions come from."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.encoder import IdentityEncoder
from latent_rag_ros.identity_decoupling.face_size import MAP_SIDE
from latent_rag_ros.training.counterparts import Counterparts
from latent_rag_ros.training.faces import Faces

PICTURES_AT_ONCE = 64


@dataclass(frozen=True)
class DrawnFaces:
    """One batch of the diffusion.

    Parameters
    ----------
    latents : Tensor
        Shape (n, 8, 16, 16).
    identity : Tensor
        Shape (n, 256), rows of length 1.
    counterparts : Tensor
        Shape (n, 3, 64, 64), RGB in 0..1: the same scenes with other heads.
    detail : Tensor
        Shape (n, 1, 16, 16), 0..1: how near eyes and mouth are.
    """

    latents: Tensor
    identity: Tensor
    counterparts: Tensor
    detail: Tensor


class EncodedFaces:
    """Latents and identities of all faces and of their mirror images.

    The identity of a face is that of its person, the mean over the pictures, as in the gallery of
    replacements.

    Parameters
    ----------
    faces : Faces
    autoencoder : FaceAutoencoder
    encoder : IdentityEncoder
    device : torch.device
    """

    def __init__(self, faces: Faces, autoencoder: FaceAutoencoder, encoder: IdentityEncoder,
                 device: torch.device) -> None:
        self._faces, self._device, self._counterparts = faces, device, Counterparts(faces)
        self._autoencoder = autoencoder.to(device).eval()
        self._encoder = encoder.to(device).eval()
        plain, mirrored = self._encoded(mirrored=False), self._encoded(mirrored=True)
        self.latents = torch.cat([plain[0], mirrored[0]])
        self.detail = torch.cat([plain[2], mirrored[2]])
        labels = torch.from_numpy(faces.identities).to(device)
        sums = plain[1].new_zeros(faces.people, plain[1].shape[1]).index_add_(0, labels, plain[1])
        self.identity = functional.normalize(sums, dim=1)[labels.repeat(2)]

    @torch.no_grad()
    def _encoded(self, mirrored: bool) -> tuple[Tensor, ...]:
        """Return latents, identity directions and details."""
        parts = []
        for start in range(0, len(self._faces.images), PICTURES_AT_ONCE):
            rows = np.arange(start, min(start + PICTURES_AT_ONCE, len(self._faces.images)))
            flipped = np.full(len(rows), mirrored)
            pictures = self._faces.tensor(rows, flipped).to(self._device)
            detail = functional.adaptive_avg_pool2d(self._faces.detail(rows, flipped), MAP_SIDE)
            parts.append((self._autoencoder.encode(pictures),
                          functional.normalize(self._encoder(pictures)[0], dim=1),
                          detail.to(self._device)))
        return tuple(torch.cat(part) for part in zip(*parts))

    def drawn(self, random: np.random.Generator, count: int) -> DrawnFaces:
        """Return `count` random faces."""
        images = len(self._faces.images)
        rows = random.integers(0, images, count)
        mirrored = random.random(count) < 0.5
        others = self._faces.tensor(self._counterparts.drawn(rows, random), mirrored)
        places = torch.from_numpy(rows + images * mirrored).to(self._device)
        return DrawnFaces(self.latents[places], self.identity[places], others.to(self._device),
                          self.detail[places])
