"""The reduced body: plausible people, sound topology."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.synthesis.body_model import PARTS, body_model


def test_example_bodies_have_the_heights_of_people() -> None:
    model = body_model()
    heights = [np.ptp(model.shape(row)[0][:, 2]) for row in model.coefficients[::40]]
    assert 1.2 < min(heights) and max(heights) < 2.3
    assert 1.55 < np.mean(heights) < 1.85


def test_bones_end_up_inside_the_body() -> None:
    model = body_model()
    rest, heads = model.shape(model.coefficients[0])
    assert len(heads) == len(model.parents)
    assert (heads.min(0) > rest.min(0) - 0.05).all()
    assert (heads.max(0) < rest.max(0) + 0.05).all()


def test_parents_come_before_their_children() -> None:
    parents = body_model().parents
    assert (parents[1:] < np.arange(1, len(parents))).all()


@pytest.mark.parametrize('name', PARTS)
def test_part_has_sound_topology_and_weights(name: str) -> None:
    part = body_model().parts[name]
    assert part.faces.min() == 0 and part.faces.max() == len(part.vertices) - 1
    np.testing.assert_allclose(part.weights.sum(1), 1, atol=1e-5)
    assert part.bones.max() < len(body_model().parents)


def test_body_coordinates_run_down_the_limbs() -> None:
    model = body_model()
    suit = model.parts['suit']
    wrist = np.linalg.norm(suit.canonical - model.canonical_heads[model.bone['wrist.L']], axis=1)
    shoulder = np.linalg.norm(
        suit.canonical - model.canonical_heads[model.bone['upperarm01.L']], axis=1)
    assert suit.arm[wrist.argmin()] > 0.8
    assert suit.arm[shoulder.argmin()] < 0.2
    assert suit.leg[suit.canonical[:, 2].argmin()] > 0.95
    assert suit.torso[suit.canonical[:, 2].argmax()] > 0.95
