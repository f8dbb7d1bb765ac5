"""Calls side by side: every item once, in order, and errors come out."""
from __future__ import annotations

import threading

import pytest
import torch

from latent_rag_ros.engine.parallel import in_parallel

TIMEOUT_S = 60.0


@pytest.fixture(autouse=True)
def _two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize('count', [0, 1, 2, 7])
def test_every_item_is_called_once_and_results_keep_their_order(count):
    called = []

    def call(item: int) -> int:
        called.append(item)
        return item * item

    assert in_parallel(call, range(count)) == [item * item for item in range(count)]
    assert sorted(called) == list(range(count))


def test_two_calls_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=TIMEOUT_S)
    assert in_parallel(lambda _: meeting.wait() >= 0, range(2)) == [True, True]


def test_one_thread_calls_one_after_the_other():
    torch.set_num_threads(1)
    assert set(in_parallel(lambda _: threading.get_ident(), range(5))) == {threading.get_ident()}


@pytest.mark.parametrize('wrong', [0, 1])
def test_error_of_a_call_is_raised_when_the_others_are_done(wrong):
    meeting, done = threading.Barrier(2, timeout=TIMEOUT_S), []

    def call(item: int) -> None:
        meeting.wait()  # both have begun, in two threads
        if item == wrong:
            raise ValueError(f'item {item}')
        done.append(item)

    with pytest.raises(ValueError, match=f'item {wrong}'):
        in_parallel(call, range(2))
    assert done == [1 - wrong]


def test_calls_within_calls_come_to_an_end():
    rows = in_parallel(lambda row: in_parallel(lambda column: (row, column), range(5)), range(5))
    assert rows == [[(row, column) for column in range(5)] for row in range(5)]
