"""d(y, x): how far a reversed picture is from the real one, pixels and feature maps."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latent_rag_ros.identity.embedder import Embedder

BACKGROUND_WEIGHT = 0.15
"""Weight of a pixel that is no person: no feature of a person says much about it."""


@dataclass(frozen=True)
class Look:
    """Pictures and what the judge sees in them.

    Parameters
    ----------
    pictures : Tensor
        Shape (n, 3, 128, 64), RGB in 0..1.
    maps : list of Tensor
        Feature maps, each (n, c, h, w); empty where only pixels count.
    """

    pictures: Tensor
    maps: list[Tensor]

    def rolled(self, shift: int) -> Look:
        """Return the same rows, each `shift` places further down, the last ones on top."""
        return Look(self.pictures.roll(shift, 0), [one.roll(shift, 0) for one in self.maps])


class PictureDistance:
    """d = l_1 |y - x|_1 + l_p d_perc(y, x), one value per picture.

    The perceptual part is the relative L1 distance of a frozen re-ID network's feature maps; it is
    no LPIPS.

    Parameters
    ----------
    judge : Embedder
        The frozen network. It is not the extractor in training, which could blind it.
    pixel_weight, perceptual_weight : float
        l_1 and l_p; a weight of 0 leaves the part out.
    """

    def __init__(self, judge: Embedder, pixel_weight: float, perceptual_weight: float) -> None:
        self._judge = judge
        self._pixel_weight, self._perceptual_weight = pixel_weight, perceptual_weight

    def __call__(self, pictures: Tensor, crops: Tensor, person: Tensor) -> Tensor:
        """Return distances, shape (n,).

        Parameters
        ----------
        pictures, crops : Tensor
            Shape (n, 3, 128, 64), RGB in 0..1; gradients flow to `pictures`.
        person : Tensor
            Shape (n, 1, 128, 64), 0..1, 1 on the person.
        """
        with torch.no_grad():
            wanted = self.look(crops)
        return self.between(self.look(pictures), wanted, person)

    def look(self, pictures: Tensor) -> Look:
        """Return what `between` compares of pictures (n, 3, 128, 64), RGB in 0..1."""
        if not self._perceptual_weight:
            return Look(pictures, [])
        with torch.autocast(pictures.device.type, torch.bfloat16):
            return Look(pictures, self._judge.feature_maps(pictures))

    def between(self, drawn: Look, wanted: Look, person: Tensor) -> Tensor:
        """Return distances, shape (n,); `person` has shape (n, 1, 128, 64), 1 on the person."""
        weights = BACKGROUND_WEIGHT + (1 - BACKGROUND_WEIGHT) * person
        error = ((drawn.pictures - wanted.pictures).abs() * weights).sum((1, 2, 3))
        distance = self._pixel_weight * error / (3 * weights.sum((1, 2, 3)))
        if self._perceptual_weight:
            shares = [(got.float() - want.float()).abs().mean((1, 2, 3))
                      / (want.float().abs().mean((1, 2, 3)) + 1e-3)
                      for got, want in zip(drawn.maps, wanted.maps)]
            distance = distance + self._perceptual_weight * torch.stack(shares).mean(0)
        return distance
