"""Outfit on a body: garments are shells around the helper suit and skirt, cut by coverage.

Coverage is a signed distance in metres to hem, sleeve end or neckline; where it falls below zero
the garment ends, per pixel, so that every length is possible on one mesh. Shells are smoothed,
pushed outwards and folded by noise, which is what makes cloth look loose.
"""
from __future__ import annotations

import numpy as np

from .body_model import BodyModel, Part
from .geometry import Floats, smoothed, vertex_normals
from .layers import Layer, part_layer
from .outfit import Bottom, Outfit, Skirt, Top

TORSO_M, ARM_M, LEG_M = 0.52, 0.5, 0.4
"""Metres per unit along torso and arm, and (half of the real) along the leg."""

WAIST = 0.16
"""Where trousers end on the torso; shirts that end above it are tucked in."""


class Tailor:
    """Makes the layers of an outfit for one body.

    Parameters
    ----------
    model : BodyModel
        Topology.
    rest : NDArray
        Shape (v, 3): rest vertices of the person.
    rng : numpy.random.Generator
        Draws the folds.
    """

    def __init__(self, model: BodyModel, rest: Floats, rng: np.random.Generator) -> None:
        self.model, self.rest, self.rng = model, rest, rng
        self.suit = model.parts['suit']
        self.on_arm = self.suit.arm > -0.05
        self.trouser_fit_m = 0.0

    def layers(self, outfit: Outfit) -> list[Layer]:
        """Return all garments of an outfit from the inside out."""
        layers = []
        if outfit.bottom:
            layers.append(self._bottom(outfit.bottom))
        layers.append(self._top(outfit.shirt, 3))
        if outfit.skirt:
            layers.append(self._skirt(outfit.skirt))
        if outfit.jacket:
            layers.append(self._top(outfit.jacket, 5))
        if outfit.coat:
            layers.append(self._skirt(outfit.coat))
        layers.append(self._shoes(outfit))
        if outfit.scarf is not None:
            layers.append(self._scarf(outfit))
        return layers

    def _folds(self, part: Part, amplitude_m: float) -> Floats:
        """Return displacements (n,) in metres: folds that run mostly across the limb."""
        total = np.zeros(len(part.canonical), np.float32)
        for wave_m, share in ((0.16, 0.6), (0.08, 0.5)):
            direction = self.rng.normal(0, [0.5, 0.5, 1.0], (3, 3))
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            shift = self.rng.uniform(0, 2 * np.pi, 3)
            waves = np.sin(part.canonical @ direction.T * (2 * np.pi / wave_m) + shift)
            total += share * waves.mean(1).astype(np.float32)
        return amplitude_m * total

    def _shell(self, part: Part, rounds: int, offset_m: Floats) -> Floats:
        """Return the part's rest vertices, smoothed and moved outwards by `offset_m` (n,)."""
        vertices = np.ascontiguousarray(self.rest[part.vertices], np.float32)
        if rounds:
            vertices = smoothed(vertices, part.neighbours, rounds)
        normals = vertex_normals(vertices, part.faces)
        return vertices + normals * offset_m[:, None].astype(np.float32)

    def _bottom(self, bottom: Bottom) -> Layer:
        """Return trousers or stockings."""
        suit = self.suit
        down = np.clip(suit.leg, 0, 1) - 0.55 * np.clip((suit.leg - 0.6) / 0.4, 0, 1)
        loose = np.where(suit.leg > 0, 0.35 + 0.65 * down,
                         np.clip(1 - suit.torso * 4, 0, 1) * 0.35)
        offset = bottom.fit_m + loose * bottom.loose * 0.034
        offset += np.exp(-np.abs(suit.leg - bottom.length) * 18) * 0.003
        offset += self._folds(suit, 0.002 + 0.010 * bottom.loose) * (bottom.fit_m > 0.003)
        self.trouser_fit_m = bottom.fit_m + 0.02 * bottom.loose
        coverage = np.where(self.on_arm, -1, np.minimum(
            (WAIST - suit.torso) * TORSO_M, (bottom.length - suit.leg) * LEG_M))
        rounds = 3 if bottom.fit_m > 0.003 else 0
        return part_layer(suit, self._shell(suit, rounds, offset), coverage, bottom.cloth)

    def _top(self, top: Top, rounds: int) -> Layer:
        """Return a shirt or jacket."""
        suit = self.suit
        sleeve = np.clip(suit.arm, 0, 1) * (1 - 0.45 * np.clip(suit.arm - 0.5, 0, 1))
        offset = top.fit_m + np.where(
            self.on_arm, (0.25 + sleeve) * top.loose * 0.020,
            np.clip(0.95 - suit.torso, 0, 1) * top.loose * 0.034)
        offset += np.where(self.on_arm, np.exp(-np.abs(suit.arm - top.sleeve) * 18) * 0.004, 0)
        offset += top.collar_m * np.clip((suit.torso - 0.99) * 12, 0, 1) * ~self.on_arm
        offset += self._folds(suit, 0.003 + 0.009 * top.loose)
        over_trousers = self.trouser_fit_m + top.fit_m
        offset = np.where(~self.on_arm & (suit.torso < 0.3), np.maximum(offset, over_trousers),
                          offset)
        return part_layer(suit, self._shell(suit, rounds, offset), self._top_coverage(top),
                          top.cloth, sleeves=True)

    def _top_coverage(self, top: Top) -> Floats:
        """Return the coverage (n,) of a top: sleeves, hem, neckline and open front."""
        suit = self.suit
        neck = (top.neck - suit.torso) * TORSO_M
        if top.neckline > 0:
            cut = np.abs(suit.canonical[:, 0]) * 1.9 + top.neck - top.neckline - suit.torso
            neck = np.where(suit.canonical[:, 1] < 0, np.minimum(neck, cut * TORSO_M), neck)
        trunk = np.minimum((suit.torso - top.hem) * TORSO_M, neck)
        if top.gap_m > 0:
            opening = top.gap_m * (1.1 - 0.6 * np.clip(suit.torso, 0, 1))
            in_front = suit.canonical[:, 1] < 0
            trunk = np.where(in_front, np.minimum(
                trunk, np.abs(suit.canonical[:, 0]) - opening), trunk)
        return np.where(self.on_arm, (top.sleeve - suit.arm) * ARM_M, trunk)

    def _skirt(self, skirt: Skirt) -> Layer:
        """Return a skirt or the lower half of a coat."""
        part = self.model.parts['skirt']
        rest = self.rest[part.vertices]
        outwards = rest - rest.mean(0)
        outwards[:, 2] = 0
        below = np.clip(part.canonical[:, 2].max() - part.canonical[:, 2], 0, 2)
        offset = skirt.fit_m + 0.6 * self.trouser_fit_m + self._folds(part, 0.008)
        vertices = self._shell(part, 1, offset) + outwards * (skirt.flare * below)[:, None]
        coverage = (skirt.length - part.leg) * LEG_M
        if skirt.gap_m > 0:
            opening = np.abs(part.canonical[:, 0]) - skirt.gap_m - 0.08 * below
            coverage = np.where(part.canonical[:, 1] < 0.02, np.minimum(coverage, opening),
                                coverage)
        return part_layer(part, vertices, coverage, skirt.cloth)

    def _shoes(self, outfit: Outfit) -> Layer:
        """Return shoes or boots."""
        suit = self.suit
        sole = np.clip((-0.775 - suit.canonical[:, 2]) / 0.03, 0, 1)
        coverage = np.where(self.on_arm, -1, (suit.leg - outfit.shoe_height) * LEG_M)
        return part_layer(suit, self._shell(suit, 2, 0.009 + 0.006 * sole), coverage,
                          outfit.shoes)

    def _scarf(self, outfit: Outfit) -> Layer:
        """Return a scarf: a thick ring around the neck."""
        suit = self.suit
        outer = outfit.jacket or outfit.shirt
        offset = outer.fit_m + 0.022 + self._folds(suit, 0.012)
        coverage = np.where(self.on_arm, -1, np.minimum(
            (suit.torso - 0.97) * TORSO_M, (1.16 - suit.torso) * TORSO_M))
        return part_layer(suit, self._shell(suit, 3, offset), coverage, outfit.scarf)
