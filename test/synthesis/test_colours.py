"""Colour statistics: streets are dark, grey and blue; garish clothes are rare."""
from __future__ import annotations

import colorsys

import numpy as np
import pytest

from latent_rag_ros.synthesis import colours
from latent_rag_ros.synthesis.seeds import stream

PALETTES = {'tops': colours.TOPS, 'jackets': colours.JACKETS, 'trousers': colours.TROUSERS,
            'shoes': colours.SHOES, 'bags': colours.BAGS}


def drawn(palette: colours.Palette) -> np.ndarray:
    """Return 2000 colours of a palette as hue, saturation, value of sRGB, shape (2000, 3)."""
    rng = stream(0, 'test colours')
    return np.array([colorsys.rgb_to_hsv(*colours.sample(rng, palette) ** (1 / 2.2))
                     for _ in range(2000)])


@pytest.mark.parametrize('name', PALETTES)
def test_shares_of_a_palette_add_up_to_1(name: str) -> None:
    assert sum(row[0] for row in PALETTES[name]) == pytest.approx(1)


def test_most_jackets_are_dark() -> None:
    assert (drawn(colours.JACKETS)[:, 2] < 0.4).mean() > 0.65


def test_a_third_of_the_trousers_are_denim_blue() -> None:
    hue, saturation, _ = drawn(colours.TROUSERS).T
    assert 0.25 < ((hue > 0.55) & (hue < 0.66) & (saturation > 0.18)).mean() < 0.50


@pytest.mark.parametrize('name', PALETTES)
def test_garish_colours_are_rare(name: str) -> None:
    _, saturation, value = drawn(PALETTES[name]).T
    assert ((saturation > 0.7) & (value > 0.5)).mean() < 0.12


def test_skin_is_darker_when_the_origin_is_african() -> None:
    rng = stream(0, 'test skin')
    african = np.mean([colours.sample_skin(rng, np.float32([1, 0, 0])) for _ in range(50)])
    caucasian = np.mean([colours.sample_skin(rng, np.float32([0, 0, 1])) for _ in range(50)])
    assert african < 0.6 * caucasian


def test_old_people_have_grey_hair_more_often() -> None:
    def grey_share(old: bool) -> float:
        rng = stream(0, 'test hair', int(old))
        hair = np.array([colours.sample_hair(rng, old) for _ in range(400)])
        return float((hair.mean(1) > 0.14).mean())
    assert grey_share(True) > 0.4 > 0.25 > grey_share(False)
