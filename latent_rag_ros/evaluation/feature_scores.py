"""How good reversed pictures are: skill above the floor, recognition by an independent network.

`skill` is the share of the person's pixels that the attacker explains beyond the mean picture of
its own people: 1 - (squared error of the attacker) / (squared error of the mean picture), both
on the person. The mean picture has skill 0, the original 1.

An attacker may draw several pictures of one feature. Their mean is the best guess of pixels, their
mean feature the best guess of who it is; each figure takes the draws as is best for the attacker.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.clothing_colour import Clothing, clothing_colours
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images
from latent_rag_ros.evaluation.feature_people import Subjects
from latent_rag_ros.evaluation.figures import Figures, with_interval
from latent_rag_ros.evaluation.floors import Images
from latent_rag_ros.evaluation.metrics import psnr_db, ssim
from latent_rag_ros.evaluation.ranking import Labels, rank


@dataclass(frozen=True)
class ReversalMeasure:
    """Measures reversed pictures of some people against the real ones.

    Parameters
    ----------
    attacked : Subjects
        The pictures whose features were reversed.
    gallery : Subjects
        All pictures of these people, in which reversed pictures are searched.
    gallery_features : NDArray
        Features of the gallery by the independent network, shape (m, d), unit length.
    clothing : Clothing
        True colours of the attacked pictures.
    mean_picture : NDArray
        Mean picture of the attackers' people, shape (128, 64, 3), uint8.
    independent : EmbeddingNetwork
        A re-ID network that took part in nothing.
    device : str
        Where the independent network is.
    """

    attacked: Subjects
    gallery: Subjects
    gallery_features: NDArray[np.float32]
    clothing: Clothing
    mean_picture: NDArray[np.uint8]
    independent: EmbeddingNetwork
    device: str = 'cpu'

    @classmethod
    def of(cls, gallery: Subjects, features: NDArray[np.float32], every: int,
           mean_picture: NDArray[np.uint8], independent: EmbeddingNetwork,
           device: str = 'cpu') -> ReversalMeasure:
        """Return the measure of every `every`-th picture of `gallery`, see the parameters."""
        attacked = gallery.rows(np.arange(0, len(gallery.people), every))
        clothing = clothing_colours(attacked.people.images, attacked.masks)
        return cls(attacked, gallery, features, clothing, mean_picture, independent, device)

    def floor(self) -> Images:
        """Return the mean picture once per attacked picture."""
        return self.repeated(self.mean_picture)

    def repeated(self, picture: NDArray[np.uint8]) -> Images:
        """Return one picture (128, 64, 3) once per attacked picture."""
        return np.broadcast_to(picture, self.attacked.people.images.shape).copy()

    def figures(self, draws: Sequence[Images]) -> Figures:
        """Return the figures of one or several reversed pictures per attacked picture.

        Parameters
        ----------
        draws : sequence of NDArray
            Each (n, 128, 64, 3), uint8, RGB.

        Returns
        -------
        dict
            `skill`, `psnr_db`, `ssim`, `rank1` and `colour_accuracy`, all but the last with
            intervals over identities.
        """
        people, identities = self.attacked.people, self.attacked.people.labels.identities
        mean = np.mean(np.stack(draws), axis=0, dtype=np.float32).round().astype(np.uint8)
        skill = 1 - self._person_error(mean) / self._person_error(self.floor()).mean()
        figures = with_interval('skill', skill, identities)
        figures |= with_interval('psnr_db', psnr_db(mean, people.images), identities)
        figures |= with_interval('ssim', ssim(mean, people.images), identities)
        figures |= with_interval('rank1', self._recognised(draws), identities)
        seen = clothing_colours(mean, self.attacked.masks)
        right = np.concatenate([seen.torso == self.clothing.torso,
                                seen.legs == self.clothing.legs])
        return figures | {'colour_accuracy': round(float(right.mean()), 4)}

    def _person_error(self, pictures: Images) -> NDArray[np.float64]:
        """Return the mean squared error on the person, shape (n,); on all where none is seen."""
        masks = self.attacked.masks | ~self.attacked.masks.any(axis=(1, 2), keepdims=True)
        error = np.square(pictures.astype(np.float32) - self.attacked.people.images).mean(-1)
        return ((error * masks).sum((1, 2)) / masks.sum((1, 2))).astype(np.float64)

    def _recognised(self, draws: Sequence[Images]) -> NDArray[np.float64]:
        """Return 1 where the nearest other picture shows the right person, shape (n,)."""
        features = np.sum([embed_images(self.independent, pictures, self.device)
                           for pictures in draws], axis=0)
        features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
        labels = self.gallery.people.labels
        ranking = rank(features, self.attacked.people.labels, self.gallery_features,
                       Labels(labels.identities, labels.cameras))
        return ranking.first_is_match


def nearest_pictures(features: NDArray[np.float32], own_features: NDArray[np.float32],
                     own_images: Images) -> Images:
    """Return for each feature (n, d) the attacker's own picture whose feature is the nearest.

    The floor of an attacker that has features but learns nothing: a look-alike. Own features
    (m, d), own pictures (m, 128, 64, 3); rows of unit length.
    """
    return own_images[(features @ own_features.T).argmax(1)]
