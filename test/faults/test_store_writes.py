"""The store file while writers are killed, run out of disk or meet: always old or new, whole."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from latent_rag_ros.weights.registry import write_atomically

from .store_writers import level_of, store_of

PROGRAM = Path(__file__).with_name('store_writers.py')


def run(action: str, path: Path, repetitions: int) -> None:
    """Run one action of store_writers.py in a process of its own, which may fork."""
    result = subprocess.run([sys.executable, PROGRAM, action, path, str(repetitions)],
                            cwd=path.parent, capture_output=True, text=True, check=False,
                            timeout=600)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize('repetitions', [100, pytest.param(3000, marks=pytest.mark.slow)])
def test_store_is_old_or_new_when_its_writer_is_killed(tmp_path: Path, repetitions: int) -> None:
    run('kill_writers', tmp_path / 'store.safetensors', repetitions)


def test_readers_find_a_whole_store_when_two_writers_meet(tmp_path: Path) -> None:
    run('meet_writers', tmp_path / 'store.safetensors', 200)
    assert [path.name for path in tmp_path.iterdir()] == ['store.safetensors']


def test_old_store_stays_and_nothing_else_when_the_disk_is_full(tmp_path: Path) -> None:
    run('fill_disk', tmp_path / 'store.safetensors', 3)
    assert [path.name for path in tmp_path.iterdir()] == ['store.safetensors']
    assert level_of(tmp_path / 'store.safetensors') == 1


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write into every folder')
def test_old_store_stays_when_the_folder_is_read_only(tmp_path: Path) -> None:
    path = tmp_path / 'store.safetensors'
    store_of(1).save(path)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            store_of(2).save(path)
    finally:
        tmp_path.chmod(0o700)
    assert level_of(path) == 1


def test_no_temporary_file_stays_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / 'folder').mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / 'folder', b'content')
    with pytest.raises(TypeError):
        write_atomically(tmp_path / 'file', 'text')
    assert [path.name for path in tmp_path.iterdir()] == ['folder']


def test_same_query_finds_the_same_rows_in_the_same_order(tmp_path: Path) -> None:
    torch.manual_seed(5)
    store = store_of(1)
    query = torch.nn.functional.normalize(torch.randn(7, 256))
    first = store.search(query, 5)
    assert all((store.search(query, 5) == first).all() for _ in range(20))
