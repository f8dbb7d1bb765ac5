"""kill -9 while a gallery is written: what was acknowledged stays, what was erased is gone."""
from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.gallery.gallery import Gallery

from .writer import FEATURES, SPACE, features_of, is_erased, open_backend
from .writer import __file__ as WRITER

SLOW = [pytest.mark.slow, pytest.mark.timeout(3600)]


def killed_while_writing(kind: str, folder: Path, acknowledged_min: int) -> int:
    """Kill a writer after that many acknowledgements; return the last one that it sent."""
    with subprocess.Popen([sys.executable, '-c', 'import runpy, sys; sys.argv.pop(0); '
                           'runpy.run_path(sys.argv[0], run_name="__main__")', WRITER, kind,
                           str(folder)], stdout=subprocess.PIPE, text=True) as writer:
        lines = [writer.stdout.readline() for _ in range(acknowledged_min)]
        writer.kill()
        lines += writer.stdout.readlines()
    return int([line for line in lines if line.endswith('\n')][-1])


def assert_whole(kind: str, folder: Path, acknowledged: int,
                 never_acknowledged: set[int]) -> None:
    """Check every identity of a gallery against what the writer writes.

    Somebody whose enrolment was killed half-way may be gone, and the number is not given again:
    such numbers go into `never_acknowledged`, and are not asked for after the next kills.
    """
    backend = open_backend(kind, folder)
    gallery = Gallery(FEATURES, 1_000_000, backend)
    ids = [identity.identity_id for identity in gallery.identities()]
    begun = backend.stored().enrolled
    assert backend.stored().space == SPACE and begun >= acknowledged
    # the step that was under way may have erased the last one that was acknowledged
    assert set(ids) >= {number for number in range(1, acknowledged + 1)
                        if not is_erased(number, begun)} - never_acknowledged
    never_acknowledged |= set(range(acknowledged + 1, begun + 1)) - set(ids)
    assert not [number for number in ids if is_erased(number, acknowledged)]
    assert gallery.feature_count == FEATURES * len(ids)
    for number in ids:
        np.testing.assert_array_equal(gallery.features_of(number), features_of(number))
    gallery.close()


@pytest.mark.parametrize('kind', ['faiss', 'milvus'])
@pytest.mark.parametrize('kills', [2, pytest.param(50, marks=SLOW)])
def test_nothing_acknowledged_is_lost_when_killed_while_writing(tmp_path: Path, kind: str,
                                                                kills: int) -> None:
    """kill -9 at random moments: all acknowledged identities are whole, no erased one is back."""
    if kind == 'milvus':
        for module in ('pymilvus', 'milvus_lite'):
            pytest.importorskip(module, reason='the extra milvus is not installed')
    chance, acknowledged, never_acknowledged = random.Random(kills), 0, set()
    for _ in range(kills):
        acknowledged = killed_while_writing(kind, tmp_path / 'gallery', chance.randint(1, 12))
        assert_whole(kind, tmp_path / 'gallery', acknowledged, never_acknowledged)
    assert acknowledged >= kills
    assert kind == 'milvus' or not never_acknowledged  # one transaction writes number and person


def test_nothing_half_written_is_loaded_when_the_journal_is_cut(tmp_path: Path) -> None:
    """A journal that ends anywhere loads as some earlier state, whole."""
    killed_while_writing('faiss', tmp_path / 'gallery', 8)
    names = ['gallery.sqlite', 'gallery.sqlite-wal']
    files = {name: (tmp_path / 'gallery' / name).read_bytes() for name in names}
    journal = files[names[1]]
    sizes = np.linspace(len(journal) // 3, len(journal) - 1, 12).astype(int)
    for number, size in enumerate(sizes):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / names[0]).write_bytes(files[names[0]])
        (folder / names[1]).write_bytes(journal[:size])
        gallery = Gallery(FEATURES, 1_000_000, open_backend('faiss', folder))
        for identity in gallery.identities():
            np.testing.assert_array_equal(gallery.features_of(identity.identity_id),
                                          features_of(identity.identity_id))
        assert gallery.feature_count == FEATURES * len(gallery)
        gallery.close()


def test_gallery_is_whole_when_an_index_file_of_milvus_was_half_written(tmp_path: Path) -> None:
    """Milvus Lite writes the index of its features in place; nothing loads with half of one."""
    for module in ('pymilvus', 'milvus_lite'):
        pytest.importorskip(module, reason='the extra milvus is not installed')
    acknowledged = killed_while_writing('milvus', tmp_path / 'gallery', 3)
    assert_whole('milvus', tmp_path / 'gallery', acknowledged, set())
    index_files = sorted((tmp_path / 'gallery').rglob('*.idx'))
    assert index_files
    for path in index_files:
        path.write_bytes(path.read_bytes()[:-4])
    assert_whole('milvus', tmp_path / 'gallery', acknowledged, set())
