"""A thread that works on the newest item and leaves the executor free."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from latent_rag_ros.ros.mailbox import Mailbox

Item = TypeVar('Item')


class FrameWorker(Generic[Item]):
    """Runs `work` on the newest item that was put in, in a thread of its own.

    Parameters
    ----------
    work : Callable
        Called with every item that nothing newer has replaced.
    fail : Callable
        Called with the item and the error that `work` raised for it. The thread lives on.
    begin : Callable, optional
        Called first, in the same thread. When it raises, `fail` gets None instead of an item, and
        the thread ends.
    """

    def __init__(self, work: Callable[[Item], None],
                 fail: Callable[[Item | None, Exception], None],
                 begin: Callable[[], None] | None = None) -> None:
        self._work, self._fail, self._begin = work, fail, begin
        self._mailbox: Mailbox[Item] = Mailbox()
        self._thread = threading.Thread(target=self._run, name='frame_worker', daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def put(self, item: Item) -> int:
        """Hand over an item and return how many were lost by it, as `Mailbox.put` says."""
        return self._mailbox.put(item)

    def abandon(self) -> None:
        """Take no more items. The thread ends after the one in work, if that ever ends."""
        self._mailbox.close()

    def stop(self, timeout_s: float) -> None:
        """Stop after the item in work; what is waiting is lost.

        Raises `TimeoutError` when the thread still works after `timeout_s` seconds.
        """
        self.abandon()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(f'the frame in work did not end within {timeout_s:g} s; configure '
                               'the node again')

    def _run(self) -> None:
        try:
            if self._begin is not None:
                self._begin()
        except Exception as error:  # whoever waits for this thread has to learn why it ended
            self._fail(None, error)
            return
        while (item := self._mailbox.take()) is not None:
            try:
                self._work(item)
            except Exception as error:  # a dead thread would end the output without a word
                self._fail(item, error)
