"""Where memory runs out, the batch is halved; where one person does not fit, people are solid."""
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from latent_rag_ros.protection.fitting_parts import in_fitting_parts
from latent_rag_ros.protection.latent_rag_method import LatentRagMethod
from latent_rag_ros.protection.types import Box, Fill, Frame, Outcome, Reason

PERSONS = [Box(10, 20, 60, 200), Box(100, 20, 150, 200), Box(200, 20, 250, 200)]


def limited(make: Callable, fits: int, sizes: list[int]) -> Callable:
    """Return `make` on a device that has memory for `fits` rows of its first argument."""
    def call(batch: torch.Tensor, *rest: object) -> object:
        sizes.append(len(batch))
        if len(batch) > fits:
            raise torch.cuda.OutOfMemoryError('CUDA out of memory')
        return make(batch, *rest)
    return call


@pytest.mark.parametrize(('fits', 'parts'), [(9, [5]), (3, [5, 2, 3]), (1, [5, 2, 1, 1, 3, 1, 2,
                                                                            1, 1])])
def test_parts_are_halved_until_they_fit_and_keep_their_order(
        fits: int, parts: list[int]) -> None:
    sizes: list[int] = []
    assert in_fitting_parts(limited(list, fits, sizes), [1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5]
    assert sizes == parts


def test_a_single_item_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(torch.cuda.OutOfMemoryError):
        in_fitting_parts(limited(list, 0, []), [1, 2])


def test_nothing_is_made_of_nothing() -> None:
    assert in_fitting_parts(limited(list, 0, []), []) == []


@pytest.mark.parametrize('part', ['embedder', 'generator'])
def test_smaller_batches_protect_everybody(make_pipeline: Callable, method: LatentRagMethod,
                                           frame: Frame, part: str) -> None:
    pipeline = make_pipeline(PERSONS, method, guard__deadline_s=60.0)
    sizes: list[int] = []
    if part == 'embedder':
        pipeline._parts.embedder.embed = limited(pipeline._parts.embedder.embed, 1, sizes)
    else:
        method._replacer.synthesise = limited(method._replacer.synthesise, 1, sizes)
    protected = pipeline.protect(frame)
    assert protected.outcome == Outcome.PROTECTED and max(sizes) > 1
    assert Reason.OUT_OF_MEMORY not in {person.reason for person in protected.persons}
    assert [person.feature is not None for person in protected.persons] == [True] * 3


@pytest.mark.parametrize('part', ['embedder', 'generator'])
def test_people_are_solid_with_the_reason_when_not_even_one_fits(
        make_pipeline: Callable, method: LatentRagMethod, frame: Frame, part: str) -> None:
    pipeline = make_pipeline(PERSONS, method, guard__deadline_s=60.0)
    if part == 'embedder':
        pipeline._parts.embedder.embed = limited(pipeline._parts.embedder.embed, 0, [])
    else:
        method._replacer.synthesise = limited(method._replacer.synthesise, 0, [])
    protected = pipeline.protect(frame)
    assert (protected.outcome, protected.reason) == (Outcome.PROTECTED, Reason.OUT_OF_MEMORY)
    assert {person.fill for person in protected.persons} == {Fill.SOLID}
    assert all((protected.image[person.slices] == 0).all() for person in PERSONS)
    assert not protected.covered.all()


def test_frame_is_blanked_when_the_detector_has_no_memory(
        make_pipeline: Callable, frame: Frame) -> None:
    pipeline = make_pipeline(PERSONS)
    pipeline._parts.detector.detect = limited(list, 0, [])
    protected = pipeline.protect(frame)
    assert (protected.outcome, protected.reason) == (Outcome.BLANKED, Reason.OUT_OF_MEMORY)
    assert protected.image.max() == 0
