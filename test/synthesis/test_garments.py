"""Garments, hair and bags: they end where they should and never let skin through."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latent_rag_ros.synthesis.accessories import KINDS, sample_bags
from latent_rag_ros.synthesis.body_model import BodyModel, body_model
from latent_rag_ros.synthesis.garments import Tailor
from latent_rag_ros.synthesis.geometry import Floats
from latent_rag_ros.synthesis.hair import Hairdresser
from latent_rag_ros.synthesis.layers import Layer
from latent_rag_ros.synthesis.materials import (
    BACKPACK_STRAPS, CLOTH, HAIR, NO_STRAP, material)
from latent_rag_ros.synthesis.outfit import Outfit, sample_outfit
from latent_rag_ros.synthesis.seeds import stream


@pytest.fixture(scope='module')
def model() -> BodyModel:
    """Return the body model."""
    return body_model()


@pytest.fixture(scope='module')
def body(model: BodyModel) -> tuple[Floats, Floats]:
    """Return rest vertices and bone heads of one example body."""
    return model.shape(model.coefficients[3])


def plain_outfit() -> Outfit:
    """Return shirt and trousers without anything over them."""
    for number in range(200):
        outfit = sample_outfit(stream(0, 'test outfit', number), False)
        if outfit.jacket is None and outfit.scarf is None and outfit.bottom:
            return outfit
    raise AssertionError('no plain outfit in 200')


def shirt_layer(model: BodyModel, rest: Floats, **changes: float) -> Layer:
    """Return the shirt of the plain outfit with some measures changed."""
    outfit = plain_outfit()
    outfit = replace(outfit, shirt=replace(outfit.shirt, gap_m=0.0, **changes))
    return Tailor(model, rest, stream(0, 'test folds')).layers(outfit)[1]


@pytest.mark.parametrize('sleeve', [0.3, 0.75, 1.0])
def test_sleeves_end_where_the_cut_says(model: BodyModel, body: tuple, sleeve: float) -> None:
    layer = shirt_layer(model, body[0], sleeve=sleeve)
    covered = layer.arm[(layer.coverage >= 0) & (layer.arm > -0.05)]
    assert covered.max() == pytest.approx(sleeve, abs=0.09)
    assert covered.max() <= sleeve + 1e-6


def test_hem_moves_down_when_the_shirt_is_longer(model: BodyModel, body: tuple) -> None:
    lowest = [layer.canonical[(layer.coverage >= 0) & (layer.arm < -0.05), 2].min()
              for layer in (shirt_layer(model, body[0], hem=hem) for hem in (0.1, -0.2))]
    assert lowest[1] < lowest[0] - 0.1


def test_loose_shirt_is_wider_than_a_tight_one(model: BodyModel, body: tuple) -> None:
    waist = [np.ptp(layer.vertices[np.abs(layer.canonical[:, 2] - 0.12) < 0.03, 1])
             for layer in (shirt_layer(model, body[0], loose=loose) for loose in (0.0, 1.0))]
    assert waist[1] > waist[0] + 0.02


def test_outfits_of_men_have_no_skirts() -> None:
    assert all(sample_outfit(stream(0, 'test men', number), False).skirt is None
               for number in range(60))
    assert any(sample_outfit(stream(0, 'test women', number), True).skirt
               for number in range(60))


def test_jacket_is_worn_over_the_shirt() -> None:
    outfits = [sample_outfit(stream(0, 'test jackets', number), True) for number in range(60)]
    jackets = [outfit for outfit in outfits if outfit.jacket]
    assert 20 < len(jackets) < 45
    assert all(outfit.jacket.fit_m > outfit.shirt.fit_m for outfit in jackets)


def test_hair_leaves_the_face_free(model: BodyModel, body: tuple) -> None:
    """No strand covers the middle of the face, in front of the eyes, in any style."""
    for number in range(30):
        rng = stream(0, 'test hair styles', number)
        for layer in Hairdresser(model, body[0], rng).layers(number % 2 == 0, (.1, .1, .1), None):
            if layer.material['kind'] != HAIR:
                continue
            used = layer.used().canonical[:, :3]
            in_face = ((np.abs(used[:, 0]) < 0.03) & (used[:, 1] < -0.10)
                       & (used[:, 2] > 0.62) & (used[:, 2] < 0.71))
            assert not in_face.any()


def test_backpack_is_behind_the_back_with_straps_on_the_cloth(
        model: BodyModel, body: tuple) -> None:
    found = set()
    for number in range(60):
        outer = material(CLOTH, (.1, .1, .1), stream(0, 'test outer'))
        layers, arms = sample_bags(stream(0, 'test bags', number), model, *body, outer)
        if outer['strap'] == BACKPACK_STRAPS:
            found.add('backpack')
            assert layers[0].vertices[:, 1].mean() > 0.05
        elif arms:
            found.add('hand')
            assert len(layers) == 1 and outer['strap'] == NO_STRAP
        elif not layers:
            found.add('none')
    assert found == {'backpack', 'hand', 'none'} and len(KINDS) == 5
