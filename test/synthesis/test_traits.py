"""Traits found again from seed and number are those of the rendered person."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.synthesis.body_model import body_model
from latent_rag_ros.synthesis.person import sample_body, sample_person
from latent_rag_ros.synthesis.seeds import stream
from latent_rag_ros.synthesis.traits import traits_of


def test_traits_are_those_of_the_person_who_is_rendered() -> None:
    person = sample_person(11, 7)
    body = sample_body(stream(11, 'person', 7), body_model())
    np.testing.assert_array_equal(person.heads, body.heads.astype(np.float32))
    assert traits_of(11, 7).female == body.female


def test_people_differ_in_build_and_hair() -> None:
    traits = [traits_of(11, number) for number in range(6)]
    assert traits[0] == traits_of(11, 0)
    assert all(0.04 < one.build < 0.12 and 0 <= one.hair <= 1 for one in traits)
    assert len({one.build for one in traits}) == 6 and len({one.hair for one in traits}) > 1
