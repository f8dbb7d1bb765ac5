"""The shipped weights: where they are, what they must hash to, and how a file is registered.

Every weights file stands in `manifest.json` of its folder with its size, sha256 and card. A file
that is missing, truncated, altered or unknown is refused, so that nothing half-loaded ever runs.
Register your own files with `python -m latent_rag_ros.weights.registry FILE...`.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

WEIGHTS_DIRECTORY = Path(__file__).resolve().parent
"""Folder with the shipped weights, their cards and their manifest."""

MANIFEST_NAME = 'manifest.json'

REINSTALL = 'install the package again, or take the file from the repository'


class WeightsError(RuntimeError):
    """Weights are missing, damaged or unusable. Names the file, what is wrong and the remedy."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits. Raises `OSError` if unreadable."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def weights_file(name: str, directory: Path | None = None) -> Path:
    """Return the path of a weights file after checking its size and sha256.

    Parameters
    ----------
    name : str
        File name without folder, such as `nanodet_g.onnx`.
    directory : Path, optional
        Folder with your own weights. Its `manifest.json` counts if there is one, otherwise the
        shipped one does. None takes the shipped weights.

    Raises
    ------
    WeightsError
        The file is missing, unreadable, truncated, altered or not in the manifest.
    """
    folder = WEIGHTS_DIRECTORY if directory is None else Path(directory)
    own_manifest = folder / MANIFEST_NAME
    manifest = own_manifest if own_manifest.is_file() else WEIGHTS_DIRECTORY / MANIFEST_NAME
    entry = read_manifest(manifest).get(name)
    path = folder / name
    if entry is None:
        raise WeightsError(
            f'{name} is not listed in {manifest}; check the name, or register the file with '
            f'"python -m latent_rag_ros.weights.registry {path}"')
    _check(path, entry)
    return path


def _check(path: Path, entry: dict[str, str | int]) -> None:
    if not path.is_file():
        raise WeightsError(f'weights file {path} is missing; {REINSTALL}')
    size_bytes, expected_bytes = path.stat().st_size, entry['bytes']
    if size_bytes != expected_bytes:
        raise WeightsError(f'weights file {path} is truncated or altered: it has {size_bytes} '
                           f'bytes instead of {expected_bytes}; {REINSTALL}')
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise WeightsError(f'weights file {path} cannot be read ({error.strerror}); '
                           'make it readable for this user') from error
    if digest != entry['sha256']:
        raise WeightsError(f'weights file {path} is corrupt: its sha256 is {digest} instead of '
                           f'{entry["sha256"]}; {REINSTALL}')


def read_manifest(path: Path) -> dict[str, dict[str, str | int]]:
    """Return a manifest as {file name: {'sha256': str, 'bytes': int, 'card': str}}.

    Raises `WeightsError` when the manifest is missing or malformed.
    """
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise WeightsError(f'manifest {path} is missing; {REINSTALL}') from error
    except (OSError, ValueError) as error:
        raise WeightsError(f'manifest {path} cannot be read ({error}); {REINSTALL}') from error
    if not isinstance(manifest, dict) or not all(map(_is_entry, manifest.values())):
        raise WeightsError(f'manifest {path} is malformed: every file needs sha256, bytes and '
                           f'card; {REINSTALL}')
    return manifest


def _is_entry(entry: object) -> bool:
    kinds = {'sha256': str, 'bytes': int, 'card': str}
    return isinstance(entry, dict) and all(
        isinstance(entry.get(key), kind) for key, kind in kinds.items())


def register(path: Path, card: str | None = None) -> None:
    """Write or renew the entry of a weights file in the manifest of its folder, atomically.

    The card of `name.ext` or `name.ext.xz` is `name.md` beside it, unless `card` names one that
    several files share. Raises `WeightsError` when the
    file or the existing manifest cannot be read.
    """
    path = Path(path)
    target = path.parent / MANIFEST_NAME
    manifest = read_manifest(target) if target.exists() else {}
    try:
        manifest[path.name] = {'sha256': sha256_of(path), 'bytes': path.stat().st_size,
                               'card': card or f'{path.name.split(".")[0]}.md'}
    except OSError as error:
        raise WeightsError(f'weights file {path} cannot be read ({error.strerror}); '
                           'give the path of an existing file') from error
    text = json.dumps(dict(sorted(manifest.items())), indent=2) + '\n'
    write_atomically(target, text.encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and move it into place, so readers see all or none.

    Each writer has a name of its own, so that two of them never mix. The content is on the disk
    before it gets the name: else a power cut could leave an empty file under it.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(handle, 'wb') as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def main(arguments: Sequence[str] | None = None) -> int:
    """Register the files named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description='Register weights files in their manifest.')
    parser.add_argument('files', nargs='+', type=Path, metavar='FILE')
    parser.add_argument('--card', help='card that these files share (default: one each)')
    given = parser.parse_args(arguments)
    for path in given.files:
        try:
            register(path, given.card)
        except WeightsError as error:
            sys.stderr.write(f'{error}\n')
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
