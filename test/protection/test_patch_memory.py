"""A track's patch is kept while it fits the person, and never longer."""
from __future__ import annotations

import numpy as np
import pytest
import torch

from latent_rag_ros.protection.method import Patch, Person
from latent_rag_ros.protection.patch_memory import PatchMemory
from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Reason

LIMIT, NEVER_S = 0.5, float('inf')
HERE, NEAR, ELSEWHERE = torch.eye(3)[0], torch.tensor([0.8, 0.6, 0.0]), torch.eye(3)[1]


class Counting:
    """A method that numbers its patches, and fails with a reason when the test says so."""

    name = 'counting'

    def __init__(self, feature: torch.Tensor | None = HERE) -> None:
        self.asked: list[list[int]] = []
        self.feature = feature
        self.features: list[torch.Tensor | None] = []
        self.reason, self.alive = Reason.NONE, set()

    def patches(self, persons, clock, deadline_s):
        self.asked.append([person.track_id for person in persons])
        self.features += [person.feature for person in persons]
        level = len(self.asked)
        return [Patch(None if self.reason else np.full((4, 2, 3), level, np.uint8), self.reason,
                      0.9, 12.0, 0.3, self.feature) for _ in persons]

    def forget(self, alive):
        self.alive = alive


@pytest.fixture
def method() -> Counting:
    return Counting()


def person(track: int = 1, feature: torch.Tensor | None = HERE,
           reason: Reason = Reason.NONE) -> Person:
    return Person(track, torch.zeros(3, 4, 2, dtype=torch.uint8), feature, reason)


def memory_of(method: Counting, period: int = 10) -> PatchMemory:
    return PatchMemory(method, period, LIMIT)


def shown(memory: PatchMemory, *persons: Person, is_busy: bool = False) -> list[Patch]:
    """Return the patches of the next frame."""
    memory.forget({someone.track_id for someone in persons}, is_busy)
    return memory.patches(persons, StageClock(), NEVER_S)


def test_same_patch_comes_back_while_the_person_looks_the_same(method):
    memory = memory_of(method)
    first, = shown(memory, person())
    second, = shown(memory, person(feature=NEAR))
    third, = shown(memory, person(feature=None))
    assert second.image is first.image and third.image is first.image
    assert method.asked == [[1]]
    assert (second.psnr_db, second.ssim) == (12.0, 0.3)
    assert second.cosine == third.cosine == pytest.approx(0.8)


def test_stages_of_a_frame_that_makes_no_patch_are_reported_too(method):
    memory, clock = memory_of(method), StageClock()
    shown(memory, person())
    memory.forget({1})
    memory.patches([person()], clock, NEVER_S)
    assert list(clock.seconds) == ['refine', 'synthesise', 'verify']


def test_patch_is_made_anew_when_the_person_looks_different(method):
    memory = memory_of(method)
    first, = shown(memory, person())
    second, = shown(memory, person(feature=ELSEWHERE))
    assert second.image is not first.image


def test_patch_is_made_anew_after_the_period(method):
    memory = memory_of(method, period=4)
    for _ in range(9):
        shown(memory, person())
    assert len(method.asked) == 3


def test_only_who_needs_one_is_asked_for(method):
    memory = memory_of(method)
    shown(memory, person(1))
    old, new = shown(memory, person(1), person(2))
    assert method.asked == [[1], [2]]
    assert (old.image[0, 0, 0], new.image[0, 0, 0]) == (1, 2)


@pytest.mark.parametrize('reason', [Reason.NOT_VERIFIED, Reason.GENERATOR_FAILED])
def test_solid_person_stays_solid_until_a_patch_is_good_again(method, reason):
    memory = memory_of(method)
    shown(memory, person())
    method.reason = reason
    assert shown(memory, person(feature=ELSEWHERE))[0].image is None
    assert shown(memory, person())[0].image is None
    method.reason = Reason.NONE
    assert shown(memory, person())[0].image is not None


@pytest.mark.parametrize('reason', [Reason.TOO_SMALL, Reason.EMBEDDER_FAILED])
def test_kept_patch_is_not_shown_for_who_must_be_solid(method, reason):
    memory = memory_of(method)
    shown(memory, person())
    shown(memory, person(feature=None, reason=reason))
    assert method.asked == [[1], [1]]


def test_nothing_is_kept_of_a_track_that_ended(method):
    memory = memory_of(method)
    shown(memory, person())
    shown(memory)
    assert method.alive == set()
    shown(memory, person())
    assert method.asked == [[1], [1]]


@pytest.mark.parametrize(('period', 'feature'), [(1, HERE), (10, None)])
def test_patch_is_made_in_every_frame_when_none_can_be_kept(period, feature):
    method = Counting(feature)
    memory = memory_of(method, period)
    for _ in range(3):
        shown(memory, person())
    assert len(method.asked) == 3


def test_patch_that_is_due_in_a_busy_frame_is_made_in_the_next_one_without_a_feature(method):
    memory, made = memory_of(method, period=4), []
    for frame in range(30):
        busy = frame % 2 == 0
        before = len(method.asked)
        shown(memory, person(feature=HERE if busy else None), is_busy=busy)
        made += [frame] * (len(method.asked) - before)
    assert made[0] == 0 and all(frame % 2 for frame in made[1:])
    assert len(made) > 6
    assert torch.equal(method.features[-1], HERE)


def test_patch_does_not_wait_when_the_person_looks_different_in_a_busy_frame(method):
    memory = memory_of(method)
    shown(memory, person(), is_busy=True)
    shown(memory, person(feature=ELSEWHERE), is_busy=True)
    assert method.asked == [[1], [1]]


def test_who_must_be_solid_gets_no_feature_of_the_frame_before(method):
    memory = memory_of(method)
    shown(memory, person())
    shown(memory, person(feature=None, reason=Reason.TOO_SMALL))
    assert method.features[-1] is None
