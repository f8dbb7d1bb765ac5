"""What was done to the gallery, and when: an append-only file without features.

Every line is a JSON object that carries the sha256 of the line before it, so that a line which
was changed or taken out shows.
"""
from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from latent_rag_ros.gallery.backend import GalleryStorageError

TAIL_BYTES = 65_536


class AuditLog:
    """Appends events to a file that only its owner can read (mode 0600).

    Parameters
    ----------
    path : Path
        The file; made with the first event.
    clock : Callable
        Time of an event, nanoseconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], int] = time.time_ns) -> None:
        self._path, self._clock = path, clock
        self._previous = _digest(_last_line(path))

    def add(self, event: str, **details: int | str | list[int]) -> None:
        """Append an event and flush it to the disk.

        Raises `GalleryStorageError` when the file cannot be written.
        """
        line = json.dumps({'time_ns': self._clock(), 'event': event, **details,
                           'previous': self._previous}, sort_keys=True)
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, f'{line}\n'.encode())
                os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise GalleryStorageError(f'cannot write {self._path} ({error.strerror}); check '
                                      'folder, permissions and free space') from error
        self._previous = _digest(line)


def first_broken_line(path: Path) -> int:
    """Return the number of the first line that does not follow the one before it; 0 for none."""
    previous = _digest('')
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        try:
            stated = json.loads(line).get('previous')
        except ValueError:
            return number
        if stated != previous:
            return number
        previous = _digest(line)
    return 0


def _digest(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest() if line else ''


def _last_line(path: Path) -> str:
    """Return the last whole line of a file, ending one that was cut short; empty for no file."""
    if not path.exists():
        return ''
    with path.open('rb+') as file:
        file.seek(0, os.SEEK_END)
        size = file.tell()
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
        if tail and not tail.endswith(b'\n'):
            # a line that was cut short was never acknowledged
            kept = tail.rfind(b'\n') + 1
            file.truncate(size - len(tail) + kept)
            tail = tail[:kept]
    lines = tail.decode(errors='replace').splitlines()
    return lines[-1] if lines else ''
