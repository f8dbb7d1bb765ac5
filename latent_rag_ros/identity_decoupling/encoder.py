"""The disentangled variational encoder: who somebody is, and everything else about the face.

Paper, section 3.3: q(z_id | x) and q(z_attr | x), with a mutual information penalty and a term
that keeps their gradients apart. Its architecture is not public; this one is ours. The identity
code is a direction (cosine is what the sampler compares); the attribute code is a small map, so
that pose, gaze and expression keep their place.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity_decoupling.face_size import MAP_SIDE, PATCH_PX
from latent_rag_ros.identity_decoupling.layers import (
    ResidualBlock, normalisation, upsampled)
from latent_rag_ros.weights.tensors import load_network

IDENTITY_DIMENSION = 256
IDENTITY_SIDE_PX = 64
"""Who somebody is shows in fewer pixels than where the eyes look."""

ATTRIBUTE_CHANNELS, ATTRIBUTE_SIDE = 16, MAP_SIDE
WIDTHS = (24, 48, 96, 128)
"""Channels of identities at 32, 16, 8 and 4 pixels."""

ATTRIBUTE_WIDTHS = (32, 64, 96)
"""Channels of attributes at 32, 16 and 8 pixels."""

LOG_VARIANCE_MIN, LOG_VARIANCE_MAX = -12.0, 4.0


@dataclass(frozen=True)
class FaceCodes:
    """Means and log-variances of both codes.

    Parameters
    ----------
    identity, identity_log_variance : Tensor
        Shape (n, 256); the mean is not normalised.
    attributes, attribute_log_variance : Tensor
        Shape (n, 16, 16, 16).
    """

    identity: Tensor
    identity_log_variance: Tensor
    attributes: Tensor
    attribute_log_variance: Tensor

    @property
    def direction(self) -> Tensor:
        """The identity code of length 1, shape (n, 256)."""
        return functional.normalize(self.identity, dim=1)

    def sampled(self) -> tuple[Tensor, Tensor]:
        """Return an identity direction (n, 256) and an attribute map, drawn from both laws."""
        return (functional.normalize(drawn(self.identity, self.identity_log_variance), dim=1),
                drawn(self.attributes, self.attribute_log_variance))

    def divergence(self) -> tuple[Tensor, Tensor]:
        """Return the mean KL divergence of both laws from the standard normal, per dimension."""
        return (divergence(self.identity, self.identity_log_variance),
                divergence(self.attributes, self.attribute_log_variance))


def drawn(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return a sample of a normal law, with gradients to both of its parameters."""
    return mean + (0.5 * log_variance).exp() * torch.randn_like(mean)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the mean KL divergence of a normal law from the standard one, per dimension."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


class Trunk(nn.Module):
    """What a stem makes of faces, and maps of half, a quarter ... of its size after it."""

    def __init__(self, stem: nn.Module, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList([
            nn.Sequential(ResidualBlock(inputs, inputs), nn.Conv2d(inputs, outputs, 3, 2, 1))
            for inputs, outputs in zip(widths[:-1], widths[1:])])

    def forward(self, faces: Tensor) -> list[Tensor]:
        """Return the maps after the stem's, the finest first, of faces in 0..1."""
        maps = [self.stem(2 * faces - 1)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class IdentityEncoder(nn.Module):
    """Faces (n, 3, 96, 96) to mean and log-variance (n, 256) of the identity code."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = Trunk(nn.Conv2d(3, WIDTHS[0], 3, 2, 1), WIDTHS)
        self.code = nn.Sequential(
            normalisation(WIDTHS[-1]), nn.SiLU(), nn.Flatten(),
            nn.Linear(16 * WIDTHS[-1], 2 * IDENTITY_DIMENSION))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        small = functional.interpolate(faces, (IDENTITY_SIDE_PX,) * 2, mode='bilinear',
                                       antialias=True)
        mean, log_variance = self.code(self.trunk(small)[-1]).float().chunk(2, 1)
        return mean, log_variance.clamp(LOG_VARIANCE_MIN, LOG_VARIANCE_MAX)


class AttributeEncoder(nn.Module):
    """Faces (n, 3, 96, 96) to mean and log-variance (n, 16, 16, 16) of the attribute map.

    Attributes are read at 16 x 16 with what 8 x 8 sees beside it: skin and background look alike
    through a small window.
    """

    def __init__(self) -> None:
        super().__init__()
        finest, fine, coarse = ATTRIBUTE_WIDTHS
        self.trunk = Trunk(nn.Sequential(
            nn.PixelUnshuffle(PATCH_PX), nn.Conv2d(3 * PATCH_PX ** 2, finest, 3, padding=1)),
            ATTRIBUTE_WIDTHS)
        self.surroundings = nn.Conv2d(coarse, fine, 1)
        self.map = nn.Sequential(
            ResidualBlock(fine, fine), normalisation(fine), nn.SiLU(),
            nn.Conv2d(fine, 2 * ATTRIBUTE_CHANNELS, 3, padding=1))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance."""
        fine, coarse = self.trunk(faces)
        mean, log_variance = self.map(fine + upsampled(self.surroundings(coarse))).float().chunk(
            2, 1)
        return mean, log_variance.clamp(LOG_VARIANCE_MIN, LOG_VARIANCE_MAX)


class DisentangledEncoder(nn.Module):
    """Faces (n, 3, 96, 96), RGB in 0..1, to `FaceCodes`.

    The two codes share no weight: attributes go on learning when the identities of the gallery
    are settled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.identity, self.attributes = IdentityEncoder(), AttributeEncoder()

    def forward(self, faces: Tensor) -> FaceCodes:
        """Return the codes of faces."""
        return FaceCodes(*self.identity(faces), *self.attributes(faces))


class CodeDecoder(nn.Module):
    """Both codes back to a face; needed while the encoder learns, and by nobody else."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([
            ResidualBlock(inputs, outputs, IDENTITY_DIMENSION)
            for inputs, outputs in ((ATTRIBUTE_CHANNELS, 64), (64, 64), (64, 32))])
        self.colours = nn.Conv2d(32, 3 * PATCH_PX ** 2, 3, padding=1)

    def forward(self, identity: Tensor, attributes: Tensor) -> Tensor:
        """Map codes (n, 256) and (n, 16, 16, 16) to faces (n, 3, 96, 96) in 0..1."""
        x = self.blocks[0](attributes, identity)
        x = self.blocks[1](x, identity)
        x = self.blocks[2](upsampled(x), identity)
        return torch.sigmoid(functional.pixel_shuffle(self.colours(x).float(), PATCH_PX))


def pooled(attributes: Tensor) -> Tensor:
    """Return attribute maps (n, c, h, w) as short vectors (n, 4 c): means of the quarters."""
    return functional.adaptive_avg_pool2d(attributes, 2).flatten(1)


def load_encoder(path: Path, device: str = 'cpu') -> DisentangledEncoder:
    """Load an encoder, frozen. Raises `WeightsError` when the file holds something else."""
    return load_network(DisentangledEncoder(), path, device)
