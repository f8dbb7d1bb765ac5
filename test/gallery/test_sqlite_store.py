"""The file of the gallery: private, and damage is noticed."""
from __future__ import annotations

import stat
from pathlib import Path

import pytest

from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.identity import Identity
from latent_rag_ros.gallery.sqlite_store import DamagedStoreError, SqliteStore

from .writer import FEATURES, SPACE, features_of


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
