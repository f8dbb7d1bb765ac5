"""The folder of a gallery: one writer at a time, damaged files set aside, a trail of events."""
from __future__ import annotations

import fcntl
import os
import shutil
import time
from pathlib import Path

from latent_rag_ros.gallery.audit import AuditLog
from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.sqlite_store import FILE_NAME

LOCK_NAME, QUARANTINE_NAME, AUDIT_NAME = 'lock', 'quarantine', 'audit.jsonl'
STORE_FILES = (FILE_NAME, f'{FILE_NAME}-wal', f'{FILE_NAME}-shm')


class GalleryFolder:
    """A locked folder that only its owner can read (mode 0700).

    Parameters
    ----------
    path : Path
        The folder; made when it is not there.

    Raises
    ------
    GalleryStorageError
        When it cannot be made, or another process writes into it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(path / LOCK_NAME, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise GalleryStorageError(f'gallery.directory {path} cannot be used '
                                      f'({error.strerror}); name another folder') from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock)
            raise GalleryStorageError(f'gallery.directory {path} is in use by another process; '
                                      'end it or name another folder') from error
        self.audit = AuditLog(path / AUDIT_NAME)

    @property
    def store_path(self) -> Path:
        """The file of the gallery."""
        return self.path / FILE_NAME

    def quarantine(self, why: str) -> Path:
        """Set the files of a damaged gallery aside and return where they are."""
        target = self.path / QUARANTINE_NAME / str(time.time_ns())
        target.mkdir(parents=True, mode=0o700)
        for name in STORE_FILES:
            if (self.path / name).exists():
                os.replace(self.path / name, target / name)
        self.audit.add('quarantined', reason=why)
        return target

    def empty_quarantine(self) -> None:
        """Delete damaged files: nobody can tell whose features are in them."""
        shutil.rmtree(self.path / QUARANTINE_NAME, ignore_errors=True)
        if (self.path / QUARANTINE_NAME).exists():
            raise GalleryStorageError(f'{self.path / QUARANTINE_NAME} cannot be deleted and may '
                                      'hold erased features; delete it')

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)
