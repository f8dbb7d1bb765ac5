"""Training faces as the diffusion sees them: latents with both conditions, encoded once."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.encoder import DisentangledEncoder
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
        Shape (n, 4, 16, 16).
    identity, attributes : Tensor
        Shapes (n, 256), rows of length 1, and (n, 8, 16, 16).
    detail : Tensor
        Shape (n, 1, 16, 16), 0..1: how near eyes and mouth are.
    """

    latents: Tensor
    identity: Tensor
    attributes: Tensor
    detail: Tensor


@dataclass(frozen=True)
class FaceNetworks:
    """The frozen networks that latents and conditions come from."""

    autoencoder: FaceAutoencoder
    encoder: DisentangledEncoder


class EncodedFaces:
    """Latents and conditions of all faces and of their mirror images.

    Attributes are drawn anew from their law every time: what is below their noise is not learned.
    They are those of the counterpart, the same scene with another head. The identity of a face is
    that of its person, the mean over the pictures, as in the gallery of replacements.

    Parameters
    ----------
    faces : Faces
    networks : FaceNetworks
    device : torch.device
    """

    def __init__(self, faces: Faces, networks: FaceNetworks, device: torch.device) -> None:
        self._faces, self._device, self._counterparts = faces, device, Counterparts(faces)
        self._autoencoder = networks.autoencoder.to(device).eval()
        self._encoder = networks.encoder.to(device).eval()
        plain, mirrored = self._encoded(mirrored=False), self._encoded(mirrored=True)
        self.latents = torch.cat([plain[0], mirrored[0]])
        self.attributes = torch.cat([plain[2], mirrored[2]])
        self.attribute_deviation = torch.cat([plain[3], mirrored[3]])
        self.detail = torch.cat([plain[4], mirrored[4]])
        labels = torch.from_numpy(faces.identities).to(device)
        sums = plain[1].new_zeros(faces.people, plain[1].shape[1]).index_add_(0, labels, plain[1])
        self.identity = functional.normalize(sums, dim=1)[labels.repeat(2)]

    @torch.no_grad()
    def _encoded(self, mirrored: bool) -> tuple[Tensor, ...]:
        """Return latents, identity directions, attribute maps, their deviation, and details."""
        parts = []
        for start in range(0, len(self._faces.images), PICTURES_AT_ONCE):
            rows = np.arange(start, min(start + PICTURES_AT_ONCE, len(self._faces.images)))
            flipped = np.full(len(rows), mirrored)
            pictures = self._faces.tensor(rows, flipped).to(self._device)
            codes = self._encoder(pictures)
            detail = functional.adaptive_avg_pool2d(self._faces.detail(rows, flipped), MAP_SIDE)
            parts.append((self._autoencoder.encode(pictures), codes.direction, codes.attributes,
                          (0.5 * codes.attribute_log_variance).exp(), detail.to(self._device)))
        return tuple(torch.cat(part) for part in zip(*parts))

    def drawn(self, random: np.random.Generator, count: int) -> DrawnFaces:
        """Return `count` random faces."""
        images = len(self._faces.images)
        rows = random.integers(0, images, count)
        mirrored = images * random.integers(0, 2, count)
        others = self._counterparts.drawn(rows, random) + mirrored
        rows, others = (torch.from_numpy(values).to(self._device)
                        for values in (rows + mirrored, others))
        attributes = self.attributes[others]
        attributes = attributes + self.attribute_deviation[others] * torch.randn_like(attributes)
        return DrawnFaces(self.latents[rows], self.identity[rows], attributes, self.detail[rows])
