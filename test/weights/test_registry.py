"""The manifest: right files pass, every kind of damage is refused with a remedy."""
from __future__ import annotations

from pathlib import Path

import pytest

from latent_rag_ros.weights.registry import (
    MANIFEST_NAME, WEIGHTS_DIRECTORY, WeightsError, main, read_manifest, register, sha256_of,
    weights_file)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'net.onnx').write_bytes(b'some weights')
    register(tmp_path / 'net.onnx')
    return tmp_path


def test_file_is_found_when_registered(folder: Path) -> None:
    assert weights_file('net.onnx', folder) == folder / 'net.onnx'


def test_manifest_names_hash_size_and_card_when_registered(folder: Path) -> None:
    assert read_manifest(folder / MANIFEST_NAME) == {'net.onnx': {
        'sha256': sha256_of(folder / 'net.onnx'), 'bytes': 12, 'card': 'net.md'}}


def test_other_entries_stay_when_a_file_is_registered_again(folder: Path) -> None:
    (folder / 'store.safetensors').write_bytes(b'codes')
    register(folder / 'store.safetensors')
    (folder / 'net.onnx').write_bytes(b'newer weights')
    register(folder / 'net.onnx')
    assert weights_file('net.onnx', folder).read_bytes() == b'newer weights'
    assert weights_file('store.safetensors', folder).is_file()
    assert sorted(path.name for path in folder.iterdir()) == [
        MANIFEST_NAME, 'net.onnx', 'store.safetensors']


def test_files_share_a_card_when_it_is_named(folder: Path) -> None:
    (folder / 'gallery.safetensors').write_bytes(b'codes')
    assert main([str(folder / 'net.onnx'), str(folder / 'gallery.safetensors'),
                 '--card', 'faces.md']) == 0
    assert {entry['card'] for entry in read_manifest(folder / MANIFEST_NAME).values()} == {
        'faces.md'}


def test_missing_file_is_refused_with_remedy(folder: Path) -> None:
    (folder / 'net.onnx').unlink()
    with pytest.raises(WeightsError, match='net.onnx is missing; install'):
        weights_file('net.onnx', folder)


def test_truncated_file_is_refused_with_both_sizes(folder: Path) -> None:
    (folder / 'net.onnx').write_bytes(b'some')
    with pytest.raises(WeightsError, match='has 4 bytes instead of 12; install'):
        weights_file('net.onnx', folder)


def test_altered_file_is_refused_when_its_size_is_right(folder: Path) -> None:
    (folder / 'net.onnx').write_bytes(b'SOME weights')
    with pytest.raises(WeightsError, match='corrupt: its sha256 is .* install'):
        weights_file('net.onnx', folder)


def test_unlisted_file_is_refused_with_the_command_that_registers_it(folder: Path) -> None:
    (folder / 'other.onnx').write_bytes(b'x')
    with pytest.raises(WeightsError, match='not listed in .*weights.registry .*other.onnx'):
        weights_file('other.onnx', folder)


def test_shipped_manifest_counts_when_the_folder_has_none(tmp_path: Path) -> None:
    name = sorted(read_manifest(WEIGHTS_DIRECTORY / MANIFEST_NAME))[0]
    (tmp_path / name).write_bytes(b'not the shipped weights')
    with pytest.raises(WeightsError, match='truncated or altered'):
        weights_file(name, tmp_path)


@pytest.mark.parametrize('text', ['{', '[]', '{"net.onnx": {"sha256": 1}}', '{"net.onnx": 3}'])
def test_malformed_manifest_is_refused(folder: Path, text: str) -> None:
    (folder / MANIFEST_NAME).write_text(text)
    with pytest.raises(WeightsError, match='manifest'):
        weights_file('net.onnx', folder)


def test_command_line_fails_when_the_file_is_missing(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / 'absent.onnx')]) == 1
    assert 'absent.onnx cannot be read' in capsys.readouterr().err
    assert not (tmp_path / MANIFEST_NAME).exists()
