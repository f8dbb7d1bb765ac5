"""People in front of a camera, rendered: linear light and who is seen at each pixel."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .background import render_background
from .camera import Camera
from .geometry import Floats, vertex_normals
from .light import ShadowMap, shadow_map
from .person import Person
from .rasteriser import empty_buffers, rasterise
from .shading import shade_people
from .view import View, bounds, projected


@dataclass(frozen=True)
class Actor:
    """A person in a pose at a place: world vertices (n, 3)."""

    person: Person
    vertices: Floats

    def outline(self, view: View) -> Floats:
        """Return left, top, right, bottom (4,) in pixels of all of the person, hidden or not."""
        points = projected(self.vertices, view)
        seen = (self.person.surface.coverage >= 0) & (points[:, 2] > 0)
        if not seen.any():
            return np.zeros(4, np.float32)
        return bounds(points, seen)[:, :2].ravel()


def sample_actor(person: Person, camera: Camera, rng: np.random.Generator,
                 place_m: NDArray[np.float64]) -> Actor:
    """Return the person in a random pose at a place (x, y)."""
    pose = person.sample_pose(rng)
    return Actor(person, person.posed(pose, camera.sample_heading_deg(rng), place_m))


def render(camera: Camera, view: View, width_px: int, height_px: int, actors: list[Actor],
           shadow_px: int, background_share: float = 1.0) -> tuple[Floats, NDArray[np.int32]]:
    """Render actors and surroundings.

    Parameters
    ----------
    camera, view : Camera, View
        Light and surroundings; what of them is seen.
    width_px, height_px : int
        Size of the picture.
    actors : list of Actor
        May be empty.
    shadow_px : int
        Size of the shadow map.
    background_share : float
        Size at which the background is computed before it is enlarged.

    Returns
    -------
    radiance : NDArray
        Shape (h, w, 3), float32, linear RGB.
    owner : NDArray
        Shape (h, w), int32: position in `actors` of who is seen, -1 for nobody.
    """
    if not actors:
        dark = camera.light._replace(sun=np.zeros(3))  # nobody casts a shadow
        nowhere = shadow_map(dark, np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32),
                             np.zeros(0, np.float32), shadow_px)
        return (_background(camera, view, width_px, height_px, nowhere, background_share),
                np.full((height_px, width_px), -1, np.int32))
    surfaces = [actor.person.surface for actor in actors]
    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    rows = np.cumsum([0, *(len(surface.materials) for surface in surfaces)])
    faces = np.concatenate([surface.faces + np.int32(start)
                            for surface, start in zip(surfaces, starts)])
    vertices = np.concatenate([actor.vertices for actor in actors])
    coverage = np.concatenate([surface.coverage for surface in surfaces])
    buffers = empty_buffers(height_px, width_px)
    rasterise(projected(vertices, view), faces, coverage, buffers)
    shadows = shadow_map(camera.light, vertices, faces, coverage, shadow_px)
    radiance = _background(camera, view, width_px, height_px, shadows, background_share)
    canonical = np.concatenate([np.concatenate([surface.canonical, surface.arm[:, None]], 1)
                                for surface in surfaces])
    shade_people(
        buffers, vertices, vertex_normals(vertices, faces), canonical, faces,
        np.concatenate([surface.face_material + np.int32(row)
                        for surface, row in zip(surfaces, rows)]),
        np.concatenate([surface.materials for surface in surfaces]), view, camera.light, shadows,
        radiance)
    ends = np.cumsum([len(surface.faces) for surface in surfaces])
    owner = np.where(buffers.face >= 0, np.searchsorted(ends, buffers.face, side='right'), -1)
    radiance *= 1 - _crevices(buffers.inverse_depth)[..., None]
    return radiance, owner.astype(np.int32)


def _background(camera: Camera, view: View, width_px: int, height_px: int, shadows: ShadowMap,
                share: float) -> Floats:
    """Return the surroundings (h, w, 3), computed at `share` of the size."""
    size = max(2, round(width_px * share)), max(2, round(height_px * share))
    picture = np.empty((size[1], size[0], 3), np.float32)
    small = view._replace(focal_px=view.focal_px * share, centre_x_px=view.centre_x_px * share,
                          centre_y_px=view.centre_y_px * share)
    render_background(small, camera.surroundings, camera.light, shadows, picture)
    if camera.backlight != 1:
        picture *= np.float32(camera.backlight)
    if share == 1:
        return picture
    return cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_LINEAR)


def _crevices(inverse_depth: Floats) -> Floats:
    """Return how much (h, w) darker pixels are that lie behind their neighbourhood, 0..0.35."""
    seen = inverse_depth > 0
    if not seen.any():
        return np.zeros_like(inverse_depth)
    depth = np.where(seen, 1 / np.maximum(inverse_depth, 1e-4), 0).astype(np.float32)
    depth[~seen] = depth.max()
    reach = max(3, int(len(depth) * 0.03) | 1)
    behind = np.clip((depth - cv2.blur(depth, (reach, reach))) * 4, 0, 0.35)
    return np.where(seen, behind, 0).astype(np.float32)
