"""Hair, head scarves and hats: shells around the scalp, cut at the hair line."""
from __future__ import annotations

import numpy as np

from . import colours
from .body_model import BodyModel, Part
from .geometry import Floats, rotation, superellipsoid, vertex_normals
from .layers import Layer, part_layer, rigid_layer
from .materials import CLOTH, HAIR, Material, add_pattern, material

STYLES = ('bald', 'buzz', 'short', 'medium', 'long', 'ponytail', 'bun', 'head scarf')
STYLE_SHARES = {True: (.00, .03, .10, .28, .34, .13, .07, .05),
                False: (.09, .20, .54, .11, .03, .02, .01, .00)}
"""Shares of the styles of women (True) and men (False)."""

THICKNESS_M = {'buzz': (.003, .005), 'short': (.008, .020), 'medium': (.012, .024),
               'long': (.012, .024), 'ponytail': (.008, .012), 'bun': (.008, .012),
               'head scarf': (.012, .016)}
LENGTH_M = {'medium': (.54, .62), 'long': (.30, .52), 'head scarf': (.40, .50)}
"""Canonical height where hanging hair ends."""

HATS = ('none', 'cap', 'beanie', 'hood')
HAT_SHARES = (.84, .07, .06, .03)

HAIR_LINE = ((-.165, -.12, -.075, -.045, -.02, .03, .07),
             (.778, .765, .742, .690, .655, .600, .575))
"""Height of the hair line over the canonical y of the head, front to back."""

SCARF_LINE = ((-.165, -.12, -.075, -.06, 0), (.775, .762, .70, .60, .50))
HOOD_LINE = ((-.165, -.12, -.075, -.06, 0), (.785, .78, .72, .60, .50))
CAP_LINE = ((-.165, 0, .08), (.757, .735, .725))
BEANIE_LINE = ((-.165, 0, .08), (.757, .70, .685))


class Hairdresser:
    """Makes hair and hat layers for one head; randomness comes from `rng`."""

    def __init__(self, model: BodyModel, rest: Floats, rng: np.random.Generator) -> None:
        self.model, self.rng = model, rng
        self.skin: Part = model.parts['skin']
        self.vertices = np.ascontiguousarray(rest[self.skin.vertices], np.float32)
        self.strands = rest[model.parts['hair'].vertices]
        self.normals = vertex_normals(self.vertices, self.skin.faces)
        scalp = (self.skin.head > 0.9) & (self.skin.canonical[:, 2] > 0.66)
        self.centre = self.vertices[scalp].mean(0)

    def layers(self, female: bool, colour: Floats, hood_cloth: Material | None) -> list[Layer]:
        """Return hair in a linear RGB colour, and hats; a hood is up only where there is one."""
        style = str(self.rng.choice(STYLES, p=STYLE_SHARES[female]))
        hat = str(self.rng.choice(HATS, p=HAT_SHARES))
        look = material(HAIR, np.asarray(colour) * 1.25, self.rng, 0.06, 0.5)
        if style == 'head scarf':
            hat = 'none'
            look = material(CLOTH, colours.sample(self.rng, colours.TOPS), self.rng, 0.02, 0.5)
            add_pattern(self.rng, look, 0.8)
        layers = []
        if style != 'bald':
            flat = hat in ('cap', 'beanie')
            layers += self._hair(style, look, female, flat)
        if hat == 'hood' and hood_cloth is not None:
            layers.append(self._cap(0.03, HOOD_LINE, hood_cloth, 0.1))
        elif hat in ('cap', 'beanie'):
            layers += self._hat(hat)
        return layers

    def _height(self, line: tuple[tuple[float, ...], tuple[float, ...]]) -> Floats:
        """Return how far each skin vertex lies above a line around the head, in metres."""
        points = self.skin.canonical
        return points[:, 2] - np.interp(points[:, 1], *line)

    def _cap(self, offset_m: Floats | float, line: tuple, look: Material,
             head_share: float) -> Layer:
        """Return a shell over the part of the head above a line."""
        coverage = np.where(self.skin.head > head_share, self._height(line), -1)
        offset = np.broadcast_to(np.asarray(offset_m, np.float32), (len(self.vertices),))
        return part_layer(self.skin, self.vertices + self.normals * offset[:, None], coverage,
                          look)

    def _hair(self, style: str, look: Material, female: bool, flat: bool) -> list[Layer]:
        """Return scalp hair, hanging hair, ponytail or bun; `flat` hair fits under a hat."""
        x, y, z = self.skin.canonical.T
        scarf = style == 'head scarf'
        above = self._height(SCARF_LINE if scarf else HAIR_LINE)
        if not female and self.rng.random() < 0.3:  # receding
            above = above - np.where(y < -0.07, self.rng.uniform(0.015, 0.035), 0)
        ears = (np.abs(x) > .068) & (z > .655) & (z < .715) & (y > -.075) & (y < -.005)
        coverage = np.where(self.skin.head > (0.1 if scarf else 0.3), above, -1)
        if scarf:
            coverage = np.where(self.skin.head > 0.1, np.maximum(coverage, 0.602 - z), -1)
        else:
            coverage = np.where(z < 0.56, -1, coverage)
        if style in ('buzz', 'short'):
            coverage = np.where(ears, -1, coverage)
        phase = self.rng.uniform(0, 6.28, 2)
        waves = np.sin(x * 70 + phase[0]) * np.sin(y * 60 + z * 45 + phase[1])
        thick = self.rng.uniform(*THICKNESS_M[style]) * (.8 + .7 * np.clip((z - .68) / .1, 0, 1))
        offset = thick * (1 + (0.0 if scarf else 0.45) * waves)
        if not scarf:
            offset = offset * np.clip(above / 0.012, 0.15, 1)
        if flat:
            offset = np.where(z > 0.72, np.minimum(offset, 0.008), offset)
        shell = self.vertices + self.normals * offset[:, None].astype(np.float32)
        return [part_layer(self.skin, shell, coverage, look), *self._hanging(style, look)]

    def _hanging(self, style: str, look: Material) -> list[Layer]:
        """Return what hangs or stands off the scalp."""
        head = self.model.bone['head']
        if style in LENGTH_M:
            part = self.model.parts['hair']
            strands = np.ascontiguousarray(self.strands, np.float32)
            x, y, z = part.canonical.T
            end = z - self.rng.uniform(*LENGTH_M[style]) - 0.02 * np.sin(
                x * 60 + self.rng.uniform(0, 6.28))
            face = np.where(y < -0.01, np.maximum(np.abs(x) - 0.060, z - 0.765), 1)
            if style == 'head scarf':
                face = np.maximum(face, 0.60 - z)
            offset = 0.004 + 0.003 * np.sin(x * 90 + z * 25)
            shell = strands + vertex_normals(strands, part.faces) * offset[:, None]
            return [part_layer(part, shell, np.minimum(end, face), look)]
        if style == 'ponytail':
            centre = self.centre + np.float32([0, 0.105, -0.07])
            return [rigid_layer(superellipsoid(1.0), centre, (.028, .035, .11), head, look)]
        if style == 'bun':
            centre = self.centre + np.float32([0, 0.09, 0.05])
            return [rigid_layer(superellipsoid(1.0), centre, (.045, .04, .04), head, look)]
        return []

    def _hat(self, hat: str) -> list[Layer]:
        """Return a cap with a peak, or a beanie."""
        look = material(CLOTH, colours.sample(self.rng, colours.JACKETS), self.rng, 0.02, 0.3)
        if hat == 'beanie':
            return [self._cap(0.019, BEANIE_LINE, look, 0.3)]
        brow = np.abs(self.skin.canonical[:, 2] - 0.757).argsort()[:200]
        centre = np.float32([0, self.vertices[brow, 1].min() - 0.045, self.centre[2] + 0.052])
        peak = rigid_layer(superellipsoid(1.0), centre, (.07, .075, .012), self.model.bone['head'],
                           look, rotation((1, 0, 0), 12))
        return [self._cap(0.021, CAP_LINE, look, 0.3), peak]
