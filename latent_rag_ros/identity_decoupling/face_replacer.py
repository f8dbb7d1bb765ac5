"""One face in, the same face with somebody else's identity out, or the reason why there is none.

    cut -> encode -> draw an identity -> generate -> blend -> ask the oracles -> enforce -> ask

What the oracles judge is the 8-bit picture that would be shown, in its own resolution.
"""
from __future__ import annotations

import hashlib
import hmac
import math
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.identity_decoupling.enforcement import PrivacyHinge, enforce
from latent_rag_ros.identity_decoupling.face_generator import FaceGenerator
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX
from latent_rag_ros.identity_decoupling.face_square import cut, face_square, points_in, scaled
from latent_rag_ros.identity_decoupling.head_blend import head_opacity, inserted
from latent_rag_ros.identity_decoupling.oracles.oracle import Oracle
from latent_rag_ros.identity_decoupling.rejection_sampler import RejectionSampler
from latent_rag_ros.identity_decoupling.replacements import Replacements
from latent_rag_ros.protection.types import Box, ImageArray

HINGE_MARGIN = 0.02
"""How far below the thresholds gradient steps push, so that rounding does not lift it again."""

HINGE_PX_MAX = 256
"""Larger faces are scaled down to this for gradient steps; the last look is at all pixels."""


class FaceOutcome(IntEnum):
    """What became of a face."""

    REPLACED = 0
    NO_REPLACEMENT = 1
    KNOWN = 2
    NOT_FINITE = 3
    LATE = 4


@dataclass(frozen=True)
class FaceRecord:
    """What was measured while a face was replaced. It tells something about the person.

    Parameters
    ----------
    outcome : FaceOutcome
        REPLACED; or no identity was far enough, an oracle still knew the person, the networks
        made no numbers, or time was out.
    cosines, margins : tuple of float
        By oracle: cosine of the result to the original, and how far below the threshold that is;
        empty where nothing was measured.
    steps : int
        Gradient steps of the enforcement.
    tries : int
        Identities the sampler proposed until one was far enough; 0 where none was.
    """

    outcome: FaceOutcome
    cosines: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()
    steps: int = 0
    tries: int = 0


@dataclass(frozen=True)
class ReplacedFace:
    """The new face of one person.

    Parameters
    ----------
    square : Box
        Where it belongs; may leave the image.
    pixels : NDArray or None
        Shape (side, side, 3), uint8, RGB, without any pixel of the input; None when there is no
        face that may be shown. `head_blend.head_opacity(side)` says how it is blended in.
    record : FaceRecord
    """

    square: Box
    pixels: NDArray[np.uint8] | None
    record: FaceRecord

    def shown_in(self, image: ImageArray) -> ImageArray:
        """Return a copy of the image with the face in it: what the oracles were asked about.

        Raises ValueError when there is no face to show.
        """
        if self.pixels is None:
            raise ValueError(f'there is no face to show: {self.record.outcome.name.lower()}')
        return inserted(image, self.square, self.pixels)


class FaceReplacer:
    """Replaces faces; one track keeps one replacement. Not thread-safe.

    Parameters
    ----------
    generator : FaceGenerator
        Encoder, mesh, denoiser and decoder.
    sampler : RejectionSampler
        Draws identities.
    oracles : sequence of Oracle
        Who must not know the person any more; at least one, none held out.
    key : bytes
        Secret of this run, for the noise of each track.
    steps_max : int
        Most gradient steps of the enforcement per face; 0 takes what the generator draws.

    Raises
    ------
    ValueError
        There is no oracle, one is held out, or the gallery has codes of another length.
    """

    def __init__(self, generator: FaceGenerator, sampler: RejectionSampler,
                 oracles: Sequence[Oracle], key: bytes, steps_max: int = 8) -> None:
        if not oracles or any(oracle.held_out for oracle in oracles):
            raise ValueError('give at least one oracle, none of them held out')
        self.generator, self.sampler, self.oracles = generator, sampler, tuple(oracles)
        self._replacements, self._key, self._steps_max = Replacements(sampler), key, steps_max
        self._device = next(generator.autoencoder.parameters()).device
        self._thresholds = np.array([oracle.threshold for oracle in oracles])
        self.leak = sampler.leak()

    @property
    def redraws(self) -> int:
        """Replacements that had to be changed, see `Replacements`."""
        return self._replacements.redraws

    def keep_only(self, track_ids: Collection[int]) -> None:
        """Forget every track that is not among `track_ids`."""
        self._replacements.keep_only(track_ids)

    def replace(self, image: ImageArray, landmarks: NDArray[np.float32], track_id: int,
                deadline_s: float = math.inf) -> ReplacedFace:
        """Return the new face of a person.

        Parameters
        ----------
        image : ImageArray
            The raw picture, shape (h, w, 3), uint8, RGB.
        landmarks : NDArray
            Shape (5, 2), pixels of the image, see `oracles.alignment`.
        track_id : int
            The person's track; equal ones get the same identity and noise.
        deadline_s : float
            Monotonic time after which no further network is asked.

        Raises
        ------
        ValueError
            The landmarks show no face inside the image.
        RuntimeError
            A network failed.
        """
        square = face_square(landmarks)
        work = _Work(self._device, image, square, landmarks, deadline_s)
        if not work.in_time():
            return ReplacedFace(square, None, FaceRecord(FaceOutcome.LATE))
        with torch.no_grad():
            codes = self.generator.encoder(work.small)
        code = codes.direction[0].cpu().numpy()
        row = self._replacements.replacement(code, track_id)
        if row is None:
            return ReplacedFace(square, None, FaceRecord(FaceOutcome.NO_REPLACEMENT))
        identity = torch.from_numpy(self.sampler.gallery.codes[row])[None].to(self._device)
        latents = self.generator.latents(
            identity, codes.attributes, self.generator.structure(work.small),
            self._noise_seed(track_id))
        return self._released(work, latents, self._tries(row, track_id))

    def _noise_seed(self, track_id: int) -> int:
        digest = hmac.new(self._key, f'noise {int(track_id)}'.encode(), hashlib.sha256).digest()
        return int.from_bytes(digest[:7], 'big')

    def _tries(self, row: int, track_id: int) -> int:
        return int(np.flatnonzero(self.sampler.proposals(track_id) == row)[0]) + 1

    def _released(self, work: _Work, latents: Tensor, tries: int) -> ReplacedFace:
        """Return the face of latents once no oracle knows the person, enforced where needed."""
        originals = self._features(work.image, work.landmarks)
        record, pixels = self._judged(work, latents, originals)
        steps = 0
        if record.outcome == FaceOutcome.KNOWN and self._steps_max and work.in_time():
            hinge = PrivacyHinge(self.oracles, work.hinge_picture, work.hinge_landmarks,
                                 HINGE_MARGIN)
            enforced = enforce(latents, lambda values: work.shown(self._decoded(values)), hinge,
                               self._steps_max, in_time=work.in_time)
            steps = int(enforced.steps[0])
            record, pixels = self._judged(work, enforced.latents, originals)
        outcome = record.outcome if work.in_time() else FaceOutcome.LATE
        return ReplacedFace(
            work.square, pixels if outcome == FaceOutcome.REPLACED else None,
            FaceRecord(outcome, record.cosines, record.margins, steps, tries))

    def _judged(self, work: _Work, latents: Tensor, originals: list[Tensor],
                ) -> tuple[FaceRecord, NDArray[np.uint8] | None]:
        """Return what the oracles say of the face as it would be shown, and its pixels."""
        with torch.no_grad():
            face = self._decoded(latents)[0]
        if not bool(face.isfinite().all()):
            return FaceRecord(FaceOutcome.NOT_FINITE), None
        small = (face.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        pixels = scaled(np.ascontiguousarray(small), work.square.width_px)
        shown = inserted(work.image, work.square, pixels)  # all of it: a chip may leave the square
        cosines = np.array([float((reached * original).sum()) for reached, original in zip(
            self._features(shown, work.landmarks), originals)])
        margins = self._thresholds - cosines
        # comparisons with NaN are false: what could not be measured is known
        outcome = FaceOutcome.REPLACED if (margins > 0).all() else FaceOutcome.KNOWN
        return FaceRecord(outcome, tuple(cosines.tolist()), tuple(margins.tolist())), pixels

    def _decoded(self, latents: Tensor) -> Tensor:
        return self.generator.autoencoder.decode(latents)

    @torch.no_grad()
    def _features(self, pixels: ImageArray, landmarks: NDArray[np.float32]) -> list[Tensor]:
        """Return the feature (d,) of a picture by oracle."""
        picture = _tensor(pixels, self._device)
        points = torch.from_numpy(landmarks)[None]
        return [oracle.features(picture, points)[0] for oracle in self.oracles]


class _Work:
    """One face on its way: in its own size, in that of the networks, and in that of the hinge."""

    def __init__(self, device: torch.device, image: ImageArray, square: Box,
                 landmarks: NDArray[np.float32], deadline_s: float) -> None:
        self.image, self.square, self._deadline_s = image, square, deadline_s
        self.landmarks = np.asarray(landmarks, np.float32)
        pixels = cut(image, square)
        self.small = _tensor(scaled(pixels, SIDE_PX), device)
        side_px = min(square.width_px, HINGE_PX_MAX)
        self.hinge_picture = _tensor(scaled(pixels, side_px), device)
        self.hinge_landmarks = torch.from_numpy(points_in(landmarks, square, side_px))[None]
        self._opacity = torch.from_numpy(head_opacity(side_px).copy()).to(device)

    def in_time(self) -> bool:
        """Return whether the deadline lies ahead."""
        return time.monotonic() < self._deadline_s

    def shown(self, faces: Tensor) -> Tensor:
        """Return new faces (1, 3, SIDE_PX, SIDE_PX) blended into the old one; differentiable."""
        side_px = self.hinge_picture.shape[-1]
        mode = 'area' if side_px < SIDE_PX else 'bicubic'  # as `face_square.scaled`
        new = functional.interpolate(faces, (side_px, side_px), mode=mode).clamp(0, 1)
        return self.hinge_picture + (new - self.hinge_picture) * self._opacity


def _tensor(pixels: ImageArray, device: torch.device) -> Tensor:
    """Return a picture (h, w, 3) as (1, 3, h, w) in 0..1."""
    picture = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
    return picture.permute(2, 0, 1)[None].float() / 255
