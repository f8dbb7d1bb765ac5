"""People at borders, in crowds, tiny and huge: nothing of them is left in the frame."""
from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from latent_rag_ros.identity.embedder import FEATURE_DIMENSION
from latent_rag_ros.parameters import PROTECTOR, Value, checked_values
from latent_rag_ros.protection.assembly import Parts, assemble
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box, Frame, Outcome

from .marked import MarkedPersons, marked, scene

HEIGHT_PX, WIDTH_PX = 120, 160
EDGES = {'left': Box(0, 30, 20, 90), 'right': Box(140, 30, 160, 90), 'top': Box(60, 0, 80, 50),
         'bottom': Box(60, 70, 80, 120), 'corner': Box(150, 100, 160, 120),
         'first row': Box(0, 0, 160, 1), 'last row': Box(0, 119, 160, 120),
         'first column': Box(0, 0, 1, 120), 'last column': Box(159, 0, 160, 120)}
SIZES = {'one pixel': Box(80, 60, 81, 61), 'tiny': Box(80, 60, 83, 68),
         'wide': Box(5, 60, 155, 70), 'tall': Box(80, 0, 84, 120),
         'fills the frame': Box(0, 0, 160, 120)}
CROWD = [Box(2 + 16 * column, 4 + 40 * row, 12 + 16 * column, 38 + 40 * row)
         for row, column in product(range(3), range(10))]
OVERLAPPING = [Box(40, 20, 70, 100), Box(60, 30, 90, 110), Box(20, 50, 140, 60)]
METHODS = ('solid', 'latent_rag')


@pytest.fixture(scope='module')
def parts() -> Mapping[str, Parts]:
    """The shipped networks of both methods, without refinement."""
    given = {'device': 'cpu', 'identity.cosine_min': -1.0, 'latent_rag.iterations': 0}
    return {method: assemble(checked_values(PROTECTOR, {**given, 'protection.method': method}))
            for method in METHODS}


@pytest.fixture
def pipeline(parts: Mapping[str, Parts]) -> Callable[..., ProtectionPipeline]:
    """Return what makes a pipeline whose detector sees the marks; the masks are real."""
    def make(method: str, **given: Value) -> ProtectionPipeline:
        values = checked_values(PROTECTOR, {
            name.replace('__', '.'): value for name, value in
            {'guard__deadline_s': 60.0, 'detector__every_frames': 1, **given}.items()})
        made = ProtectionPipeline(replace(parts[method], detector=MarkedPersons(), turns=None),
                                  values)
        made.reset()
        return made
    return make


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('people', [*EDGES, *SIZES, 'crowd of 30', 'overlapping'])
def test_no_pixel_of_a_person_is_left(
        pipeline: Callable[..., ProtectionPipeline], people: str, method: str) -> None:
    persons = {'crowd of 30': CROWD, 'overlapping': OVERLAPPING}.get(
        people, [(EDGES | SIZES).get(people)])
    image = scene(*persons, size=(HEIGHT_PX, WIDTH_PX))
    result = pipeline(method).protect(Frame(image, time.monotonic()))
    assert result.outcome == Outcome.PROTECTED
    assert result.covered[marked(image)].all()
    assert not marked(result.image).any()
    assert np.array_equal(result.image[~result.covered], image[~result.covered])
    expected = len(persons) if people == 'crowd of 30' else 1
    assert len(result.persons) == expected
    assert all(person.feature is None or person.feature.shape == (FEATURE_DIMENSION,)
               for person in result.persons)


def test_no_pixel_is_left_of_a_person_who_walks_through_every_border(
        pipeline: Callable[..., ProtectionPipeline]) -> None:
    made = pipeline('solid')
    for step in range(-30, 190, 7):
        person = Box(step, step // 2, step + 30, step // 2 + 60).clipped(HEIGHT_PX, WIDTH_PX)
        image = scene(person, number=step + 30, size=(HEIGHT_PX, WIDTH_PX))
        result = made.protect(Frame(image, time.monotonic()))
        assert not marked(result.image).any()
        assert np.array_equal(result.image[~result.covered], image[~result.covered])


def test_person_who_hides_behind_another_stays_covered(
        pipeline: Callable[..., ProtectionPipeline]) -> None:
    made, hidden, front = pipeline('solid'), Box(60, 30, 80, 90), Box(52, 28, 90, 95)
    detector = made._parts.detector
    made.protect(Frame(scene(hidden, size=(HEIGHT_PX, WIDTH_PX)), time.monotonic()))
    for number in range(3):
        image = scene(hidden, front, number=number, size=(HEIGHT_PX, WIDTH_PX))
        assert not marked(made.protect(Frame(image, time.monotonic())).image).any()
    detector.blind = True
    for number in range(3):
        image = scene(hidden, number=number, size=(HEIGHT_PX, WIDTH_PX))
        assert not marked(made.protect(Frame(image, time.monotonic())).image).any()
