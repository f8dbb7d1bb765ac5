"""What an attack has won: scored against what somebody gets who never saw the picture.

    skill = PSNR(recovered, original) - PSNR(mean image of the attacker's people, original)

A recovery that is no better than that mean image (skill 0) has recovered nothing of the person.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.clothing_colour import Clothing, Palette, chance
from latent_rag_ros.evaluation.figures import AUTHORISED, Figures, with_interval
from latent_rag_ros.evaluation.floors import mean_image
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.metrics import psnr_db, ssim
from latent_rag_ros.evaluation.privacy.probes import NETWORKS, UNSEEN, Probe
from latent_rag_ros.evaluation.privacy.protection_figures import Images, Looks
from latent_rag_ros.evaluation.privacy.reid_figures import setting_figures
from latent_rag_ros.evaluation.silhouettes import intersection_over_union

RANKED = ('rank1', 'rank1_ci95', 'map', 'map_ci95')


@dataclass(frozen=True)
class Judge:
    """Scores what attackers draw or say about the measured people.

    Parameters
    ----------
    people : HeldOutPeople
        The measured people.
    raw : Looks
        Their raw crops.
    raw_features : Mapping
        Features of the raw crops by probe.
    probes : Mapping
        The probes.
    attackers : Looks
        Raw crops of the attackers' training people: what they know beforehand.
    """

    people: HeldOutPeople
    raw: Looks
    raw_features: Mapping[str, NDArray[np.float32]]
    probes: Mapping[str, Probe]
    attackers: Looks

    @cached_property
    def palette(self) -> Palette:
        """The colours of the attackers' training people."""
        return Palette.of(self.attackers.clothing)

    @cached_property
    def _floor(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """PSNR and SSIM of the attackers' mean image to every raw crop, each (n,)."""
        floor = mean_image(self.attackers.images, self.raw.images)
        return psnr_db(floor, self.raw.images), ssim(floor, self.raw.images)

    def recovery(self, recovered: Looks) -> Figures:
        """Return the figures of recovered pictures, one per measured crop, in their order.

        Returns
        -------
        dict
            `psnr_db`, `ssim`, `skill_psnr_db`, `skill_ssim` (share of the way from the mean image
            to the original), `rank1` and `map` of recovered in raw pictures by the unseen network,
            `rank1_authorised`, those of `colours`, and `silhouette_iou`.
        """
        identities = self.people.labels.identities
        similarity = ssim(recovered.images, self.raw.images)
        decibels = psnr_db(recovered.images, self.raw.images)
        floor_decibels, floor_similarity = self._floor
        skill_db = decibels - floor_decibels
        skill_ssim = (similarity - floor_similarity) / (1 - floor_similarity)
        figures: Figures = {}
        for name, values in (('psnr_db', decibels), ('ssim', similarity),
                             ('skill_psnr_db', skill_db), ('skill_ssim', skill_ssim)):
            figures |= with_interval(name, values, identities)
        numbers = self.palette.numbers(recovered.clothing)
        return (figures | self._found(recovered) | self.colours(numbers)
                | self.outlines(recovered.masks))

    def colours(self, guessed: Clothing) -> Figures:
        """Return how often the colours of torso and legs, as numbers of the palette, are right.

        Returns
        -------
        dict
            `colour_accuracy`, the mean of `torso_accuracy` and `legs_accuracy`, and
            `colour_chance`: always guessing the most common colours of the attackers' people.
        """
        truth = self.palette.numbers(self.raw.clothing)
        known = self.palette.numbers(self.attackers.clothing)
        right = [(guess == true).astype(np.float64) for guess, true in zip(guessed, truth)]
        by_chance = [chance(training, true) for training, true in zip(known, truth)]
        identities = self.people.labels.identities
        return (with_interval('colour_accuracy', (right[0] + right[1]) / 2, identities)
                | {'torso_accuracy': round(float(right[0].mean()), 4),
                   'legs_accuracy': round(float(right[1].mean()), 4),
                   'colour_chance': round(float(np.mean(by_chance)), 4)})

    def outlines(self, guessed: NDArray[np.bool_]) -> Figures:
        """Return the IoU of guessed silhouettes (n, 128, 64), and that of the best blind guess.

        The blind guess is where at least half of the attackers' people are.
        """
        blind = np.broadcast_to(self.attackers.masks.mean(axis=0) >= 0.5, guessed.shape)
        iou = intersection_over_union(guessed, self.raw.masks)
        floor = intersection_over_union(blind, self.raw.masks)
        return (with_interval('silhouette_iou', iou, self.people.labels.identities)
                | {'silhouette_chance': round(float(floor.mean()), 4)})

    def linkage(self, protected: NDArray[np.float32],
                raw: NDArray[np.float32]) -> Figures:
        """Return Rank-1 and mAP of protected in raw pictures, and of protected in protected ones.

        Both are features (n, d) of the attacker's own network, rows of unit length.
        """
        figures = _ranked(setting_figures(protected, raw, self.people, verifies=False))
        among = setting_figures(protected, protected, self.people, verifies=False)
        return figures | {'rank1_prot_prot': among['rank1'], 'map_prot_prot': among['map']}

    def _found(self, looks: Looks) -> Figures:
        """Return how well recovered pictures find raw ones; the unseen network is the judge."""
        found = {}
        for name in NETWORKS:
            if name in self.probes:
                features = self.probes[name].features(looks.images, looks.masks)
                found[name] = setting_figures(features, self.raw_features[name], self.people,
                                              verifies=False)
        judge = found.get(UNSEEN, found[AUTHORISED])
        return _ranked(judge) | {'rank1_authorised': found[AUTHORISED]['rank1']}


def _ranked(figures: Figures) -> Figures:
    return {name: figures[name] for name in RANKED}
