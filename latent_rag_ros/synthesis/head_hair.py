"""Hair of a head as layers of strands: thin shells that are drawn where a strand passes."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .geometry import Faces, Floats, vertex_normals
from .head import HairLook, Head
from .head_model import HeadPart, head_model
from .noise_fields import noise_at

SHELLS, HANGING_SHELLS = 12, 6

LINE = ((-.030, .010, .035, .055, .085, .110, .150),
        (.070, .064, .040, -.002, -.015, -.050, -.088))
"""Height of the hair line over the depth y of the head, from the forehead to the nape."""


@dataclass(frozen=True)
class Shell:
    """One layer of hair.

    Parameters
    ----------
    vertices, faces : NDArray
        Shapes (n, 3) and (m, 3); x towards the person's left in the posed head.
    coverage : NDArray
        Shape (n,): the shell ends where its interpolation is negative, in metres.
    canonical : NDArray
        Shape (n, 3): places on the average head, for the strands.
    height : float
        0 at the skin, 1 at the outermost shell.
    hanging : bool
        Whether it hangs beside the face and has no skin behind it.
    """

    vertices: Floats
    faces: Faces
    coverage: Floats
    canonical: Floats
    height: float
    hanging: bool = False


def hair_shells(head: Head, points: Floats) -> list[Shell]:
    """Return the shells of a posed head (v, 3), from the inside out."""
    model, look = head_model(), head.hair
    if look.style == 'bald':
        return []
    skin = model.parts['skin']
    place, vertices = model.mean[skin.vertices], points[skin.vertices]
    coverage = _scalp(look, place, model.masks['ears'][skin.vertices])
    normals = vertex_normals(np.ascontiguousarray(vertices), skin.faces)
    grown = np.clip(coverage / .022, 0, 1) * _volume(look, place)
    shells = []
    for number in range(SHELLS):
        height = (number + 1) / SHELLS
        offset = (.0012 + look.thickness_m * grown * height).astype(np.float32)
        shells.append(_shell(vertices + normals * offset[:, None], skin, coverage, place, height))
    if look.style in ('medium', 'long'):
        shells += _hanging(head, points, model.parts['hair'])
    if look.style == 'tied':
        shells += _bun(head, points)
    return shells


def _shell(vertices: Floats, part: HeadPart, coverage: Floats, place: Floats,
           height: float, hanging: bool = False) -> Shell:
    kept = part.faces[(coverage[part.faces] >= 0).any(1)]
    return Shell(np.ascontiguousarray(vertices, np.float32), kept, coverage.astype(np.float32),
                 np.ascontiguousarray(place), height, hanging)


def _scalp(look: HairLook, place: Floats, ears: Floats) -> Floats:
    """Return how far (n,) each vertex lies inside the hair line, metres."""
    x, y, z = place.T
    line = np.interp(y, *LINE)
    side = np.clip((np.abs(x) - .035) / .025, 0, 1) * np.clip((.045 - y) / .03, 0, 1)
    line = line + .006 * side + look.receding_m * np.clip((.06 - y) / .05, 0, 1) * (
        .55 + .75 * np.clip((np.abs(x) - .015) / .03, 0, 1))
    wave = .004 * (noise_at((place * 90 + look.seed).astype(np.float32), 2) - .5)
    coverage = z - line + wave
    coverage = np.where(z < -.12, -1, coverage)
    covered_ears = look.style in ('medium', 'long')
    return coverage if covered_ears else np.where(ears > .35, -.01, coverage)


def _volume(look: HairLook, place: Floats) -> Floats:
    """Return the relative thickness (n,) of the hair over the head."""
    x, y, z = place.T
    top = np.clip((z - .01) / .09, 0, 1)
    waves = noise_at((place * [38, 30, 34] + look.seed).astype(np.float32), 2) - .5
    volume = .45 + .75 * top + (.5 + .9 * look.curl) * waves
    if look.style == 'swept':
        volume = volume + .9 * np.clip((.06 - y) / .07, 0, 1) * top
    if look.style in ('medium', 'long', 'tied'):
        volume = volume - .35 * np.exp(-((x - look.parting) / .006) ** 2) * top
    return np.clip(volume, .12, 2.2)


def _hanging(head: Head, points: Floats, part: HeadPart) -> list[Shell]:
    """Return hair that hangs beside the face, on MakeHuman's helper around it."""
    place = head_model().mean[part.vertices]
    x, y, z = place.T
    ragged = .03 * (noise_at((place * 60 + head.hair.seed).astype(np.float32), 1) - .5)
    coverage = np.minimum(z - head.hair.end_m + ragged, .05)
    face = np.maximum(np.abs(x) - .066, z - .066)
    coverage = np.where(y < .03, np.minimum(coverage, face), coverage)
    vertices = points[part.vertices]
    normals = vertex_normals(np.ascontiguousarray(vertices), part.faces)
    fall = 1 + head.hair.curl * (noise_at((place * 45 + head.hair.seed).astype(np.float32), 2)
                                 - .5)
    return [_shell(vertices + normals * (depth * fall)[:, None].astype(np.float32), part, coverage,
                   place, .4 + .6 * number / HANGING_SHELLS, hanging=True)
            for number, depth in enumerate(np.linspace(-.014, .004, HANGING_SHELLS), 1)]


def _bun(head: Head, points: Floats) -> list[Shell]:
    """Return a bun behind the head: the back of the scalp pushed outwards."""
    skin = head_model().parts['skin']
    place, vertices = head_model().mean[skin.vertices], points[skin.vertices]
    middle = np.array([0, .165, .045])
    far = np.linalg.norm(place - middle, axis=1)
    normals = vertex_normals(np.ascontiguousarray(vertices), skin.faces)
    bulge = .045 * np.sqrt(np.clip(1 - (far / .042) ** 2, 0, 1)).astype(np.float32)
    return [_shell(vertices + normals * (bulge * height)[:, None], skin,
                   (.040 - far).astype(np.float32), place, height)
            for height in (.6, .8, 1.0)]
