"""The gallery on disk: what is acknowledged stays, what is erased is gone, damage is noticed."""
from __future__ import annotations

import random
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.identity import Identity
from latent_rag_ros.gallery.sqlite_store import DamagedStoreError, SqliteStore

from .writer import FEATURES, SPACE, features_of, is_erased
from .writer import __file__ as WRITER


def killed_while_writing(path: Path, acknowledged_min: int) -> int:
    """Kill a writer after that many acknowledgements; return the last one that it sent."""
    with subprocess.Popen([sys.executable, '-c', 'import runpy, sys; sys.argv.pop(0); '
                           'runpy.run_path(sys.argv[0], run_name="__main__")', WRITER, str(path)],
                          stdout=subprocess.PIPE, text=True) as writer:
        lines = [writer.stdout.readline() for _ in range(acknowledged_min)]
        writer.kill()
        lines += writer.stdout.readlines()
    return int([line for line in lines if line.endswith('\n')][-1])


def assert_whole(path: Path, acknowledged: int) -> None:
    """Check every identity of the file against what the writer writes."""
    store = SqliteStore(path)
    stored = store.stored()
    owners, vectors = store.features(SPACE.dimension)
    store.close()
    ids = [identity.identity_id for identity in stored.identities]
    assert stored.space == SPACE and stored.enrolled >= acknowledged
    assert set(ids) >= {number for number in range(1, acknowledged + 1)
                        if not is_erased(number, acknowledged)}
    assert not [number for number in ids if is_erased(number, acknowledged)]
    np.testing.assert_array_equal(owners, np.repeat(ids, FEATURES))
    for number, found in zip(ids, vectors.reshape(-1, FEATURES, SPACE.dimension)):
        np.testing.assert_array_equal(found, features_of(number))


@pytest.mark.parametrize('kills', [3, pytest.param(50, marks=[
    pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_nothing_acknowledged_is_lost_when_killed_while_writing(tmp_path: Path,
                                                                kills: int) -> None:
    """kill -9 at random moments: all acknowledged identities are whole, no erased one is back."""
    chance, acknowledged = random.Random(kills), 0
    for _ in range(kills):
        acknowledged = killed_while_writing(tmp_path / 'gallery.sqlite', chance.randint(1, 12))
        assert_whole(tmp_path / 'gallery.sqlite', acknowledged)
    assert acknowledged >= kills


def test_nothing_half_written_is_loaded_when_the_journal_is_cut(tmp_path: Path) -> None:
    """A journal that ends anywhere loads as some earlier state, whole."""
    path = tmp_path / 'gallery.sqlite'
    killed_while_writing(path, 8)
    names = [path.name, f'{path.name}-wal']
    files = {name: (tmp_path / name).read_bytes() for name in names}
    journal = files[names[1]]
    sizes = np.linspace(len(journal) // 3, len(journal) - 1, 12).astype(int)
    for number, size in enumerate(sizes):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / names[0]).write_bytes(files[names[0]])
        (folder / names[1]).write_bytes(journal[:size])
        store = SqliteStore(folder / names[0])
        ids = [identity.identity_id for identity in store.stored().identities]
        owners, vectors = store.features(SPACE.dimension)
        store.close()
        np.testing.assert_array_equal(owners, np.repeat(ids, FEATURES))
        for owner, found in zip(ids, vectors.reshape(-1, FEATURES, SPACE.dimension)):
            np.testing.assert_array_equal(found, features_of(owner))


def test_file_is_private_when_made(tmp_path: Path) -> None:
    """Nobody but the owner can read file and journal."""
    store = SqliteStore(tmp_path / 'gallery.sqlite')
    store.set_space(SPACE)
    store.commit()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()]
    assert len(modes) >= 2 and set(modes) == {0o600}
    store.close()


@pytest.mark.parametrize('damage', ['text', 'bit', 'cut', 'other'])
def test_file_is_refused_when_damaged(tmp_path: Path, damage: str) -> None:
    """Foreign files, files cut short and single wrong bits of a feature are noticed."""
    path = tmp_path / 'gallery.sqlite'
    store = SqliteStore(path)
    store.set_space(SPACE)
    for number in range(1, 9):
        store.write(Identity(number, FEATURES, 0, 0), features_of(number), 0)
    store.close()
    content = bytearray(path.read_bytes())
    if damage == 'text':
        content = bytearray(b'features of many people ' * 500)
    elif damage == 'bit':
        content[content.index(features_of(5)[2].tobytes()) + 99] ^= 4
    elif damage == 'cut':
        content = content[:len(content) // 2]
    else:
        content[68:72] = b'ABCD'  # the application id of the file format
    path.write_bytes(content)
    with pytest.raises(DamagedStoreError, match='gallery.sqlite'):
        SqliteStore(path).features(SPACE.dimension)


def test_missing_file_is_named_when_only_read(tmp_path: Path) -> None:
    """Reading makes no file."""
    with pytest.raises(GalleryStorageError, match='is not there'):
        SqliteStore(tmp_path / 'gallery.sqlite', read_only=True)
    assert not list(tmp_path.iterdir())
