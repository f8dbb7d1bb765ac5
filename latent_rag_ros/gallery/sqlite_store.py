"""The gallery on disk: one SQLite file with a write-ahead journal.

SQLite gives what a store of its own would have to prove: a change is in the journal and flushed
to the disk before it counts (`synchronous=FULL`), a journal record cut short has a wrong checksum
and is ignored, and erased content is overwritten by zeros (`secure_delete`). The file is read
through a memory map. Every feature carries a checksum of its own, because SQLite's pages do not.
"""
from __future__ import annotations

import json
import os
import sqlite3
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.backend import GalleryStorageError, StoredGallery
from latent_rag_ros.gallery.features import FeatureArray, FeatureSpace
from latent_rag_ros.gallery.identity import Identity

FILE_NAME = 'gallery.sqlite'
APPLICATION_ID = 0x4C524147  # 'LRAG', marks the file as ours
FORMAT_VERSION = 1
MEMORY_MAP_BYTES = 1 << 40
"""Upper limit of the memory map; SQLite maps no more than the file holds."""

READER_TIMEOUT_S = 10.0
"""How long a reader of the file may delay that erased content leaves the journal."""

ROWS_PER_READ = 65_536

SCHEMA = """
create table about (name text primary key, value text not null) without rowid;
create table identities (
  identity_id integer primary key, feature_count integer not null,
  first_seen_ns integer not null, last_seen_ns integer not null, received_ns integer not null,
  camera text not null, apart_from text not null);
create table features (
  feature_id integer primary key, identity_id integer not null, vector blob not null,
  checksum integer not null);
create index features_by_identity on features (identity_id, feature_id);
"""


class DamagedStoreError(GalleryStorageError):
    """The file is no gallery, or its content is not what was written."""


class SqliteStore:
    """Identities and features in one file, which only its owner can read (mode 0600).

    Parameters
    ----------
    path : Path
        The file; made when it is not there.
    read_only : bool
        Open for reading beside the process that writes.

    Raises
    ------
    DamagedStoreError
        When the file is damaged or something else.
    GalleryStorageError
        When it cannot be opened.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        is_new = not path.exists()
        if is_new and read_only:
            raise GalleryStorageError(f'{path} is not there; name the folder of a gallery')
        with self._speaking('open'):
            if is_new:
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
            mode = 'ro' if read_only else 'rw'
            self._connection = sqlite3.connect(
                f'{path.resolve().as_uri()}?mode={mode}', uri=True, isolation_level=None,
                timeout=READER_TIMEOUT_S, check_same_thread=False)
        try:
            with self._speaking('open'):
                self._prepare(read_only)
        except GalleryStorageError:
            self._connection.close()
            raise

    def stored(self) -> StoredGallery:
        """Return everything but the features."""
        with self._speaking('read'):
            about = dict(self._connection.execute('select name, value from about'))
            rows = self._connection.execute(
                'select identity_id, feature_count, first_seen_ns, last_seen_ns, received_ns, '
                'camera, apart_from from identities order by identity_id').fetchall()
            space = FeatureSpace(**json.loads(about['space'])) if 'space' in about else None
            return StoredGallery(space, int(about.get('enrolled', 0)), tuple(
                Identity(*row[:6], tuple(json.loads(row[6]))) for row in rows))

    def features(self, dimension: int) -> tuple[NDArray[np.int64], FeatureArray]:
        """Return owners (n,) int64 and vectors (n, dimension), in the order of their arrival.

        Raises `DamagedStoreError` when a vector is not the one that was written.
        """
        owners, vectors = [], []
        with self._speaking('read'):
            cursor = self._connection.execute(
                'select identity_id, vector, checksum from features order by feature_id')
            while rows := cursor.fetchmany(ROWS_PER_READ):
                for owner, vector, checksum in rows:
                    if len(vector) != 4 * dimension or zlib.crc32(vector) != checksum:
                        raise DamagedStoreError(
                            f'{self.path} holds a damaged feature of identity {owner}')
                owners.append(np.array([row[0] for row in rows], np.int64))
                vectors.append(np.frombuffer(b''.join(row[1] for row in rows), np.float32))
        if not owners:
            return np.empty(0, np.int64), np.empty((0, dimension), np.float32)
        return np.concatenate(owners), np.concatenate(vectors).reshape(-1, dimension)

    def set_space(self, space: FeatureSpace) -> None:
        """Note the space of the features."""
        self._change('insert or replace into about values (?, ?)',
                     [('space', json.dumps(vars(space)))])

    def write(self, identity: Identity, added: FeatureArray | None, dropped: int) -> None:
        """Write an identity, add features after the others and drop the oldest."""
        self._change('insert or replace into identities values (?, ?, ?, ?, ?, ?, ?)', [(
            identity.identity_id, identity.feature_count, identity.first_seen_ns,
            identity.last_seen_ns, identity.received_ns, identity.camera,
            json.dumps(identity.apart_from))])
        self._change("insert into about values ('enrolled', ?) on conflict (name) do update set "
                     'value = max(cast(value as integer), cast(excluded.value as integer))',
                     [(identity.identity_id,)])
        if dropped:
            self._change(
                'delete from features where feature_id in (select feature_id from features '
                'where identity_id = ? order by feature_id limit ?)',
                [(identity.identity_id, dropped)])
        if added is not None:
            rows = [vector.tobytes() for vector in np.ascontiguousarray(added, np.float32)]
            self._change(
                'insert into features (identity_id, vector, checksum) values (?, ?, ?)',
                [(identity.identity_id, row, zlib.crc32(row)) for row in rows])

    def remove(self, identity_ids: Collection[int]) -> None:
        """Erase identities from file and journal."""
        rows = [(identity_id,) for identity_id in identity_ids]
        for table in ('features', 'identities'):
            self._change(f'delete from {table} where identity_id = ?', rows)
        self._empty_journal()

    def clear(self) -> None:
        """Erase all identities and the space from file and journal."""
        for statement in ('delete from features', 'delete from identities',
                          "delete from about where name = 'space'"):
            self._change(statement, [()])
        self._empty_journal()

    def commit(self) -> None:
        """Flush all changes to the disk."""
        with self._speaking('write'):
            if self._connection.in_transaction:
                self._connection.execute('commit')

    def save(self) -> None:
        """Commit, move the journal into the file and check the file.

        Raises `DamagedStoreError` when the check fails.
        """
        self._empty_journal()
        self._check('integrity_check')

    def close(self) -> None:
        """Commit and close; the journal is moved into the file."""
        try:
            self.commit()
        finally:
            self._connection.close()

    def _prepare(self, read_only: bool) -> None:
        run = self._connection.execute
        run(f'pragma mmap_size = {MEMORY_MAP_BYTES}')
        self._check('quick_check')
        [(application, version)] = run(
            'select * from pragma_application_id, pragma_user_version').fetchall()
        if (application, version) == (0, 0) and not read_only:
            run('pragma journal_mode = wal')
            self._connection.executescript(
                f'begin; pragma application_id = {APPLICATION_ID}; '
                f'pragma user_version = {FORMAT_VERSION}; {SCHEMA} commit;')
        elif application != APPLICATION_ID or version != FORMAT_VERSION:
            raise DamagedStoreError(
                f'{self.path} is no gallery of format {FORMAT_VERSION} (application '
                f'{application:#x}, format {version}); name another folder')
        run('pragma synchronous = full')
        run('pragma secure_delete = on')

    def _check(self, pragma: str) -> None:
        with self._speaking('read'):
            [(found, *_), *_] = self._connection.execute(f'pragma {pragma}(1)').fetchall()
        if found != 'ok':
            raise DamagedStoreError(f'{self.path} is damaged: {found}')

    def _change(self, statement: str, rows: list[tuple]) -> None:
        with self._speaking('write'):
            if not self._connection.in_transaction:
                self._connection.execute('begin immediate')
            self._connection.executemany(statement, rows)

    def _empty_journal(self) -> None:
        """Commit and cut the journal to nothing, so that what was erased is in no file."""
        self.commit()
        with self._speaking('write'):
            [(busy, *_)] = self._connection.execute('pragma wal_checkpoint(truncate)').fetchall()
        if busy:
            raise GalleryStorageError(
                f'{self.path} is read by another process, so that erased features stay in its '
                'journal; end that process and call ~/save')

    @contextmanager
    def _speaking(self, action: str) -> Iterator[None]:
        """Turn errors of SQLite and of the file system into ours."""
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.InterfaceError, OSError) as error:
            raise GalleryStorageError(f'cannot {action} {self.path}: {error}; check folder, '
                                      'permissions and free space') from error
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise DamagedStoreError(f'{self.path} is damaged: {error}') from error
