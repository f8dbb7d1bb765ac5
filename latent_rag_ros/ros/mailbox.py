"""Hands the newest item from one thread to another."""
from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """A place for one item. A newer item replaces one that nobody has taken yet.

    Attributes
    ----------
    replaced : int
        Items that were replaced before anybody took them, 0 or more.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._items: list[Item] = []
        self._closed = False
        self.replaced = 0

    def put(self, item: Item) -> int:
        """Leave an item and return how many were lost by it.

        1 when it replaced an older one, or when the mailbox is closed and the item itself is lost;
        else 0.
        """
        with self._condition:
            if self._closed:
                return 1
            lost = len(self._items)
            self.replaced += lost
            self._items = [item]
            self._condition.notify()
            return lost

    def take(self) -> Item | None:
        """Wait for an item and return it; return None when the mailbox is closed."""
        with self._condition:
            self._condition.wait_for(lambda: self._items or self._closed)
            return None if self._closed else self._items.pop()

    def close(self) -> None:
        """Close for good and wake who waits; an item that is still inside is lost."""
        with self._condition:
            self._closed = True
            self._items = []
            self._condition.notify_all()
