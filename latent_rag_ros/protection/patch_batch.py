"""The persons of a frame as tensors, and what has been drawn for them so far."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latent_rag_ros.protection.method import Patch, Person
from latent_rag_ros.protection.types import Reason
from latent_rag_ros.protection.verification import Verification


@dataclass(frozen=True)
class PersonBatch:
    """Persons of one frame, all on the device of the networks.

    Parameters
    ----------
    tracks : sequence of int
        Their tracks, n of them.
    crops : Tensor
        Raw crops, shape (n, 3, h, w), uint8, RGB.
    features : Tensor
        Identity features, shape (n, d); rows of NaN where there is none.
    known : Tensor
        Shape (n,), bool: whose track had a code before this frame.
    """

    tracks: Sequence[int]
    crops: Tensor
    features: Tensor
    known: Tensor

    @classmethod
    def of(cls, persons: Sequence[Person], known: Sequence[bool], dimension: int,
           device: str) -> PersonBatch:
        """Return the batch of `persons`, whose features have `dimension` coordinates."""
        unknown = torch.full((dimension,), float('nan'))
        return cls([person.track_id for person in persons],
                   torch.stack([person.crop for person in persons]).to(device),
                   torch.stack([unknown if person.feature is None else person.feature.cpu()
                                for person in persons]).to(device),
                   torch.tensor(known, device=device))

    def part(self, rows: Tensor) -> PersonBatch:
        """Return the persons of `rows`, int64."""
        return PersonBatch([self.tracks[row] for row in rows.tolist()], self.crops[rows],
                           self.features[rows], self.known[rows])

    @property
    def inputs(self) -> Tensor:
        """The crops as the networks take them: float, RGB in 0..1."""
        return self.crops.float() / 255

    @property
    def has_feature(self) -> Tensor:
        """Who has an identity feature in this frame, shape (n,), bool."""
        return ~self.features.isnan().any(1)


@dataclass(frozen=True)
class Drafts:
    """What has been drawn for n persons.

    Parameters
    ----------
    codes : Tensor
        Shape (n, L, D).
    images : Tensor
        Drawn from the codes, shape (n, 3, h, w), uint8, RGB.
    reached : Tensor
        Identity features of the images, shape (n, d).
    checks : Verification
        What verification says of the images.
    """

    codes: Tensor
    images: Tensor
    reached: Tensor
    checks: Verification

    def part(self, rows: Tensor) -> Drafts:
        """Return the drafts of `rows`, int64 or bool."""
        return Drafts(self.codes[rows], self.images[rows], self.reached[rows],
                      self.checks.part(rows))

    def with_rows(self, rows: Tensor, others: Drafts) -> Drafts:
        """Return a copy in which `rows`, (m,) int64, are `others`.

        A draft that passed stays where the other one does not pass.
        """
        kept = others.checks.passed | ~self.checks.passed[rows]
        rows, others = rows[kept], others.part(kept)
        merged = [mine.index_copy(0, rows, new) for mine, new in (
            (self.codes, others.codes), (self.images, others.images),
            (self.reached, others.reached))]
        return Drafts(*merged, self.checks.with_rows(rows, others.checks))

    def patches(self) -> list[Patch]:
        """Return the patch of each draft, solid where it did not pass."""
        pictures = self.images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        checks = self.checks
        figures = torch.stack([checks.cosine, checks.psnr_db, checks.ssim], 1).tolist()
        return [Patch(picture, Reason.NONE, *numbers, feature) if passed
                else Patch(None, Reason.NOT_VERIFIED)
                for picture, passed, numbers, feature in zip(
                    pictures, checks.passed.tolist(), figures, self.reached)]
