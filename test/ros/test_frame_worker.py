"""Newest wins, nothing is lost unnoticed, and a failing item does not end the thread."""
from __future__ import annotations

import threading

import pytest

from latent_rag_ros.ros.frame_worker import FrameWorker
from latent_rag_ros.ros.mailbox import Mailbox

TIMEOUT_S = 30.0


class Gate:
    """Work that begins, waits to be let through, and is remembered."""

    def __init__(self) -> None:
        self.begun, self.opened = threading.Event(), threading.Event()
        self.done: list[int] = []
        self.failed: list[tuple[int, str]] = []
        self.idle = threading.Semaphore(0)

    def work(self, item: int) -> None:
        """Wait for the gate; fail for negative items."""
        self.begun.set()
        assert self.opened.wait(TIMEOUT_S)
        if item < 0:
            self.idle.release()
            raise ValueError('negative')
        self.done.append(item)
        self.idle.release()

    def fail(self, item: int, error: Exception) -> None:
        """Remember a failure."""
        self.failed.append((item, str(error)))


def test_newest_item_replaces_the_waiting_one() -> None:
    mailbox: Mailbox[int] = Mailbox()
    assert [mailbox.put(item) for item in (1, 2, 3)] == [0, 1, 1]
    assert mailbox.replaced == 2
    assert mailbox.take() == 3


def test_closed_mailbox_takes_and_gives_nothing() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put(1)
    mailbox.close()
    assert mailbox.take() is None
    assert mailbox.put(2) == 1


def test_closing_wakes_who_waits() -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.append(mailbox.take()))
    thread.start()
    mailbox.close()
    thread.join(TIMEOUT_S)
    assert taken == [None]


def test_worker_skips_to_the_newest_item_when_it_is_slow() -> None:
    gate = Gate()
    worker = FrameWorker(gate.work, gate.fail)
    worker.put(1)
    assert gate.begun.wait(TIMEOUT_S)
    assert [worker.put(item) for item in (2, 3, 4)] == [0, 1, 1]
    gate.opened.set()
    for _ in range(2):
        assert gate.idle.acquire(timeout=TIMEOUT_S)
    worker.stop(TIMEOUT_S)
    assert gate.done == [1, 4]


def test_worker_goes_on_after_a_failure() -> None:
    gate = Gate()
    gate.opened.set()
    worker = FrameWorker(gate.work, gate.fail)
    for item in (-1, 2):
        worker.put(item)
        assert gate.idle.acquire(timeout=TIMEOUT_S)
    worker.stop(TIMEOUT_S)
    assert (gate.done, gate.failed) == ([2], [(-1, 'negative')])


def test_stopping_says_when_the_item_in_work_does_not_end() -> None:
    gate = Gate()
    worker = FrameWorker(gate.work, gate.fail)
    worker.put(1)
    assert gate.begun.wait(TIMEOUT_S)
    with pytest.raises(TimeoutError, match='did not end'):
        worker.stop(0.01)
    gate.opened.set()
    worker.stop(TIMEOUT_S)
