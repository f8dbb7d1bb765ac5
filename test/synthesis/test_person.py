"""People: the same from the same numbers, alike only in uniform."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.synthesis.materials import (
    CLOTH, GLASSES, NO_GLASSES, SHOE, SKIN, SUNGLASSES)
from latent_rag_ros.synthesis.person import (
    UNIFORM_BLOCK, UNIFORM_GROUP, Person, sample_person)
from latent_rag_ros.synthesis.seeds import stream

LOOKS = ('colour', 'pattern', 'second', 'yoke_m', 'print', 'print_colour')


def clothes(person: Person) -> list[tuple]:
    """Return the looks of trousers, shirt, jacket and shoes, without what is on the head."""
    rows = [row for row in person.surface.materials if row['kind'] in (CLOTH, SHOE)]
    shoes = [row['kind'] for row in rows].index(SHOE)
    return [tuple(np.ravel(row[name]).tolist() for name in LOOKS) for row in rows[:shoes + 1]]


def test_person_is_the_same_when_seed_and_number_are(person: Person) -> None:
    again = sample_person(11, 7)
    np.testing.assert_array_equal(person.surface.vertices, again.surface.vertices)
    np.testing.assert_array_equal(person.surface.materials, again.surface.materials)


@pytest.mark.parametrize('seed, number', [(11, 8), (12, 7)])
def test_person_differs_when_seed_or_number_does(person: Person, seed: int, number: int) -> None:
    other = sample_person(seed, number)
    assert clothes(other) != clothes(person)


def test_uniform_group_wears_the_same_on_different_bodies() -> None:
    group = [sample_person(11, UNIFORM_BLOCK + place) for place in range(UNIFORM_GROUP)]
    assert clothes(group[0]) == clothes(group[1]) == clothes(group[2])
    heights = {round(float(np.ptp(one.surface.vertices[:, 2])), 3) for one in group}
    assert len(heights) == UNIFORM_GROUP
    assert clothes(sample_person(11, UNIFORM_BLOCK + UNIFORM_GROUP)) != clothes(group[0])


def test_posed_person_stands_on_the_ground_at_the_place(person: Person) -> None:
    vertices = person.posed(person.sample_pose(stream(1, 'pose')), 30.0, np.array([2.0, 5.0]))
    assert vertices[:, 2].min() == pytest.approx(0, abs=1e-6)
    assert 1.2 < vertices[:, 2].max() < 2.3
    np.testing.assert_allclose(vertices[:, :2].mean(0), [2, 5], atol=0.5)


def test_mesh_is_sound_for_many_people() -> None:
    for number in range(40, 52):
        surface = sample_person(11, number).surface
        assert np.isfinite(surface.vertices).all()
        assert surface.faces.max() == len(surface.vertices) - 1
        assert surface.face_material.max() == len(surface.materials) - 1
        assert (surface.materials['colour'] >= 0).all()
        assert (surface.materials['colour'] <= 1.6).all()


def test_a_quarter_of_the_people_wear_glasses_and_some_of_them_dark_ones() -> None:
    kinds = [int(row['glasses']) for number in range(120)
             for row in sample_person(13, number).surface.materials if row['kind'] == SKIN]
    assert len(kinds) == 120 and set(kinds) == {NO_GLASSES, GLASSES, SUNGLASSES}
    assert 0.15 < np.mean(np.array(kinds) != NO_GLASSES) < 0.40
