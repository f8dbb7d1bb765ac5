"""A head in front of a camera, layer by layer: skin and eyes, then lashes, then strands."""
from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .face_paint import COLLAR_M, eye_colour, skin_colour
from .face_pose import FacePose, posed
from .face_shading import Gloss, head_shadow_map, interpolated, lit, strands_lit
from .geometry import Faces, Floats, vertex_normals
from .head import Head
from .head_hair import Shell, hair_shells
from .head_model import MASKS, HeadPart, head_model
from .light import Light, ShadowMap
from .noise_fields import noise_at
from .rasteriser import Buffers, empty_buffers, rasterise
from .view import View, projected

BACKGROUND, SKIN, HAIR, EYES, MOUTH, CLOTHES = range(6)
"""Regions; skin includes ears and neck, mouth the lips and what is behind them."""

SOLID = ('skin', 'eyes', 'teeth', 'tongue')
TEETH, TONGUE, LASH = (.52, .47, .38), (.30, .09, .08), (.012, .010, .009)
EYE_RADIUS_M = .0145


class HeadPainter:
    """Paints one posed head into a picture of linear light.

    Parameters
    ----------
    head, pose : Head, FacePose
    view : View
        The camera; the eyes of the head at rest are around the origin.
    light : Light
    picture : NDArray
        Shape (h, w, 3), float32: the background; it is painted over.
    """

    def __init__(self, head: Head, pose: FacePose, view: View, light: Light,
                 picture: Floats) -> None:
        self._head, self._view, self._light, self.picture = head, view, light, picture
        self._model = head_model()
        self.points = posed(head, pose)
        self._faces = {name: self._global_faces(self._model.parts[name])
                       for name in (*SOLID, 'lashes')}
        self.regions = np.zeros(picture.shape[:2], np.uint8)
        self._inverse_depth = np.zeros(picture.shape[:2], np.float32)
        shells = hair_shells(head, self.points)
        self._shadows = self._shadow_map(shells)
        self._paint_solid()
        self._paint_lashes()
        for shell in shells:
            self._paint_shell(shell)

    @staticmethod
    def _global_faces(part: HeadPart) -> Faces:
        return np.ascontiguousarray(part.vertices[part.faces], np.int32)

    def _shadow_map(self, shells: list[Shell]) -> ShadowMap:
        vertices, faces = [self.points], [self._faces['skin']]
        coverage = [np.ones(len(self.points), np.float32)]
        for shell in shells[len(shells) // 2::4]:
            faces.append(shell.faces + np.int32(sum(len(part) for part in vertices)))
            vertices.append(shell.vertices)
            coverage.append(shell.coverage)
        return head_shadow_map(self._light, np.concatenate(vertices), np.concatenate(faces),
                               np.concatenate(coverage))

    def _drawn(self, vertices: Floats, faces: Faces, coverage: Floats) -> Buffers:
        buffers = empty_buffers(*self.picture.shape[:2])
        rasterise(projected(vertices, self._view), faces, coverage, buffers)
        return buffers

    def _paint_solid(self) -> None:
        """Paint skin, eyes, teeth and tongue."""
        faces = np.concatenate([self._faces[name] for name in SOLID])
        ends = np.cumsum([len(self._faces[name]) for name in SOLID])
        buffers = self._drawn(self.points, faces, np.ones(len(self.points), np.float32))
        seen = buffers.face >= 0
        self._inverse_depth = buffers.inverse_depth
        numbers, corners = buffers.face[seen], buffers.barycentric[seen]
        part = np.searchsorted(ends, numbers, side='right')
        normals = vertex_normals(self.points, faces)
        place = interpolated(self._model.mean, faces, numbers, corners)
        points = interpolated(self.points, faces, numbers, corners)
        normals = interpolated(normals, faces, numbers, corners)
        masks = interpolated(np.stack([self._model.masks[name] for name in MASKS], 1), faces,
                             numbers, corners)
        radiance = np.empty_like(points)
        for kind, name in enumerate(SOLID):
            rows = part == kind
            radiance[rows] = self._lit_part(name, place[rows], points[rows], normals[rows],
                                            masks[rows])
        dark = _crevices(buffers.inverse_depth)[seen]
        self.picture[seen] = radiance * (1 - dark)[:, None]
        self.regions[seen] = np.where(
            part == 1, EYES, np.where((part > 1) | (masks[:, 0] > .5), MOUTH, np.where(
                place[:, 2] < COLLAR_M, CLOTHES, SKIN)))

    def _lit_part(self, name: str, place: Floats, points: Floats, normals: Floats,
                  masks: Floats) -> Floats:
        look, eye = self._head.skin, self._view.position
        if name == 'skin':
            colour = skin_colour(look, place, masks)
            bare = np.clip((place[:, 2] - COLLAR_M) / .003, 0, 1)
            pores = noise_at((place * 800).astype(np.float32), 2)
            zone = .35 + .65 * np.exp(-(place[:, 0] / .022) ** 2) * (place[:, 2] > -.05)
            shine = bare * (.05 + .17 * look.oil * zone * (.6 + .8 * pores)) + .25 * masks[:, 0]
            normals = normals + .22 * (bare * (pores - .5))[:, None]
            return lit(colour, points, normals, eye, self._light, self._shadows,
                       Gloss(shine[:, None], 18 + 10 * look.oil, .06))
        if name == 'eyes':
            return self._lit_eyes(place, points)
        colour = np.broadcast_to(np.float32(TEETH if name == 'teeth' else TONGUE), place.shape)
        depth = np.clip((place[:, 1] + .022) / .045, 0, 1)
        return lit(colour * (.75 - .62 * depth)[:, None], points, normals, eye, self._light,
                   self._shadows, Gloss(.12, 40, .1), .3)

    def _lit_eyes(self, place: Floats, points: Floats) -> Floats:
        """Paint eyeballs: the cornea's highlight is where the eye looks, not on the mesh."""
        centres = self._model.eye_centres(self._model.mean)
        side = (place[:, 0] > 0).astype(int)
        offsets = (place - centres[side]) / EYE_RADIUS_M
        now = self._model.eye_centres(self.points)[side]
        normals = (points - now).astype(np.float32)
        colour = eye_colour(self._head.skin, offsets)
        above = np.clip((points[:, 2] - now[:, 2]) / EYE_RADIUS_M, -1, 1)
        colour = colour * (.95 - .40 * np.clip(above, 0, 1) - .10 * np.clip(-above, 0, 1))[:, None]
        return lit(colour, points, normals, self._view.position, self._light, self._shadows,
                   Gloss(1.6, 350, .3), .25)

    def _paint_lashes(self) -> None:
        """Paint lashes: their cards are drawn where a hair passes."""
        faces = self._faces['lashes']
        buffers = self._drawn(self.points, faces, np.ones(len(self.points), np.float32))
        seen = buffers.inverse_depth > self._inverse_depth
        if not seen.any():
            return
        place = interpolated(self._model.mean, faces, buffers.face[seen],
                             buffers.barycentric[seen])
        hairs = noise_at((place * [1100, 100, 100]).astype(np.float32), 1)
        share = np.clip((hairs - .35) * 2.0, 0, .70)[:, None]
        dark = np.float32(LASH) * (self._light.sky + .3 * self._light.sun)
        self.picture[seen] += share * (dark - self.picture[seen])

    def _paint_shell(self, shell: Shell) -> None:
        """Paint one layer of hair where strands reach it and nothing is in front of it."""
        buffers = self._drawn(shell.vertices, shell.faces, shell.coverage)
        seen = buffers.inverse_depth > self._inverse_depth
        if not seen.any():
            return
        look, numbers, corners = self._head.hair, buffers.face[seen], buffers.barycentric[seen]
        values = np.concatenate([shell.canonical, shell.coverage[:, None], shell.vertices,
                                 vertex_normals(shell.vertices, shell.faces)], 1)
        values = interpolated(np.ascontiguousarray(values, np.float32), shell.faces, numbers,
                              corners)
        place, inside, points, normals = np.split(values, [3, 4, 7], 1)
        strand, fine = _strands(place, look.curl, look.seed)
        edge = np.clip(inside[:, 0] / .014, 0, 1)
        thinned = .10 if shell.hanging else .20 + .30 * shell.height
        broad = .60 * edge  # at the hair line single hairs stand, not locks
        share = np.clip((broad * strand + (1 - broad) * fine - thinned - .42 * (1 - edge)) * 5,
                        0, 1)
        down = np.stack([.4 * np.sign(place[:, 0]), np.full(len(place), .25),
                         np.full(len(place), -1.0)], 1)
        tangents = down - normals * (down * normals).sum(1, keepdims=True)
        shade = (.30 + .75 * shell.height) * (.55 + .9 * fine)
        radiance = strands_lit((look.colour * shade[:, None]).astype(np.float32), points,
                               tangents, self._view.position, self._light, self._shadows, .10)
        self.picture[seen] += share[:, None] * (radiance - self.picture[seen])
        solid = np.zeros_like(seen)
        solid[seen] = share > .5
        self.regions[solid] = HAIR
        self._inverse_depth[solid] = buffers.inverse_depth[solid]


def _strands(place: Floats, curl: float, seed: float) -> tuple[Floats, Floats]:
    """Return broad and fine strands (n,) in 0..1, running down from the crown."""
    around = np.arctan2(place[:, 0], place[:, 1] - .075)
    bent = 2.5 * curl * noise_at((place * 70 + seed).astype(np.float32), 2)
    along = place[:, 2] * (14 + 60 * curl)
    broad = noise_at(np.stack([around * 26 + bent, along, 0 * along + seed], 1).astype(
        np.float32), 1)
    fine = noise_at(np.stack([around * 130 + 3 * bent, 2 * along, 0 * along + seed], 1).astype(
        np.float32), 1)
    return broad, fine


def _crevices(inverse_depth: Floats) -> NDArray[np.float32]:
    """Return how much (h, w) darker pixels are that lie behind their neighbourhood, 0..0.6."""
    seen = inverse_depth > 0
    if not seen.any():
        return np.zeros_like(inverse_depth)
    depth = np.where(seen, 1 / np.maximum(inverse_depth, 1e-4), 0).astype(np.float32)
    depth[~seen] = depth.max()
    dark = np.zeros_like(depth)
    for share, strength in ((.03, 22.0), (.09, 9.0)):
        reach = max(3, int(len(depth) * share) | 1)
        dark += np.clip((depth - cv2.blur(depth, (reach, reach))) * strength, 0, .3)
    return np.where(seen, dark, 0).astype(np.float32)
