"""Paint: patterns, prints and faces are where the clothes and the head are."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.synthesis import materials
from latent_rag_ros.synthesis.albedo import albedo
from latent_rag_ros.synthesis.materials import Material, material
from latent_rag_ros.synthesis.seeds import stream

WHITE, BLUE = (0.8, 0.8, 0.8), (0.05, 0.1, 0.6)
CHEST = (0.0, -0.12, 0.35)
EYE, MOUTH = (0.033, -0.14, 0.699), (0.0, -0.15, 0.6395)


def cloth(**fields: object) -> Material:
    """Return a plain white cloth with some fields changed."""
    record = material(materials.CLOTH, WHITE, stream(0, 'test cloth'))
    for name, value in fields.items():
        record[name] = value
    return record


def painted(surface: Material, point: tuple[float, float, float], arm: float = -0.3,
            normal_y: float = -1.0) -> np.ndarray:
    """Return the colour (3,) of a canonical point; negative `normal_y` is the front."""
    colour = np.empty(3)
    rows = np.zeros(1, materials.MATERIAL)
    rows[0] = surface
    albedo(rows[0], *point, arm, normal_y, colour)
    return colour


def test_plain_cloth_has_its_colour_everywhere() -> None:
    for height in (-0.5, 0.1, 0.4):
        np.testing.assert_allclose(painted(cloth(), (0.05, -0.1, height)), WHITE, rtol=1e-5)


@pytest.mark.parametrize('pattern', [materials.STRIPES, materials.PLAID, materials.DOTS,
                                     materials.CAMOUFLAGE, materials.FLORAL])
def test_pattern_shows_both_colours(pattern: int) -> None:
    surface = cloth(pattern=pattern, scale=20.0, second=BLUE, third=BLUE)
    blue = np.array([painted(surface, (x, -0.1, z))[0] < 0.5
                     for x in np.linspace(-.2, .2, 15) for z in np.linspace(0, .4, 40)])
    assert 0.02 < blue.mean() < 0.98


def test_print_is_on_the_chest_and_not_on_the_back() -> None:
    surface = cloth(print=materials.DISC, print_colour=BLUE, print_size_m=0.08, print_m=0.35)
    assert painted(surface, CHEST)[0] < 0.1
    assert painted(surface, CHEST, normal_y=1.0)[0] > 0.7
    surface['print_behind'] = 1
    assert painted(surface, CHEST)[0] > 0.7
    assert painted(surface, CHEST, normal_y=1.0)[0] < 0.1


def test_sleeves_have_their_own_colour_on_the_arms_only() -> None:
    surface = cloth(sleeves=1, sleeve=BLUE)
    assert painted(surface, (0.3, 0, 0.3), arm=0.5)[0] < 0.1
    assert painted(surface, CHEST)[0] > 0.7


def test_strap_crosses_the_chest_from_the_other_shoulder() -> None:
    surface = cloth(strap=materials.CROSS_STRAP, strap_side=1.0, strap_colour=BLUE)
    assert painted(surface, (0.1, -0.12, 0.30 - 0.135))[0] < 0.1
    assert painted(surface, (0.1, -0.12, 0.30 + 0.135))[0] > 0.7


def test_sunglasses_darken_the_eyes_and_nothing_else() -> None:
    skin = material(materials.SKIN, WHITE, stream(0, 'test skin'))
    without = {place: painted(skin, place) for place in (EYE, MOUTH)}
    skin['glasses'] = materials.SUNGLASSES
    assert painted(skin, EYE).max() < 0.2 * without[EYE].max()
    np.testing.assert_array_equal(painted(skin, MOUTH), without[MOUTH])


def test_beard_covers_the_chin_and_not_the_forehead() -> None:
    skin = material(materials.SKIN, WHITE, stream(0, 'test skin'))
    skin['beard'], skin['hair'] = 0.9, (0.01, 0.01, 0.01)
    assert painted(skin, (0.0, -0.14, 0.615)).max() < 0.45
    assert painted(skin, (0.0, -0.14, 0.755)).min() > 0.6
