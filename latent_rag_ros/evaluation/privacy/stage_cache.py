"""Finished stages of an evaluation on disk, so that an interrupted run goes on where it was.

A stage is found again only under exactly the same key: settings, hashes of weights and pictures,
and the source code that made it.
"""
from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.figures import Figures

Key = Mapping[str, Any]
PACKAGE = Path(__file__).resolve().parents[2]


def digest_of(value: Any) -> str:
    """Return the sha256 of anything that JSON can hold, the same for equal values."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def pictures_digest(*arrays: NDArray) -> str:
    """Return the sha256 of arrays, values and shapes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(str(array.shape).encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def source_digest(*places: str) -> str:
    """Return the sha256 of modules, or of all modules below folders, of the package.

    Comments, docstrings and layout do not count: they change no figure.
    """
    digest = hashlib.sha256()
    for place in places:
        path = PACKAGE / place
        for module in sorted(path.rglob('*.py')) if path.is_dir() else [path]:
            digest.update(module.name.encode() + _code(module).encode())
    return digest.hexdigest()


def _code(module: Path) -> str:
    tree = ast.parse(module.read_text(encoding='utf-8'))
    for node in ast.walk(tree):
        body = getattr(node, 'body', None)
        if isinstance(body, list):
            node.body = [part for part in body if not (
                isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
    return ast.dump(tree)


class StageCache:
    """Keeps what stages made.

    Parameters
    ----------
    directory : Path or None
        Where; made when it is not there. None keeps nothing.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory

    def arrays(self, stage: str, name: str, key: Key,
               make: Callable[[], dict[str, NDArray]]) -> dict[str, NDArray]:
        """Return the arrays of a stage, from disk or freshly made."""
        path = self._path(stage, name, key, '.npz')
        if path is not None and path.is_file():
            try:
                with np.load(path, allow_pickle=False) as archive:
                    return dict(archive)
            except (OSError, ValueError, BadZipFile):
                path.unlink()  # damaged: made again
        made = make()
        if path is not None:
            temporary = _temporary(path)
            with temporary.open('wb') as file:
                np.savez_compressed(file, **made)
            os.replace(temporary, path)
        return made

    def figures(self, stage: str, name: str, key: Key, make: Callable[[], Figures]) -> Figures:
        """Return the figures of a stage, from disk or freshly made."""
        path = self._path(stage, name, key, '.json')
        if path is not None and path.is_file():
            return json.loads(path.read_text(encoding='utf-8'))
        made = make()
        if path is not None:
            temporary = _temporary(path)
            temporary.write_text(json.dumps(made, allow_nan=False), encoding='utf-8')
            os.replace(temporary, path)
        return made

    def _path(self, stage: str, name: str, key: Key, suffix: str) -> Path | None:
        if self.directory is None:
            return None
        folder = self.directory / stage
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f'{name}-{digest_of(key)[:16]}{suffix}'


def _temporary(path: Path) -> Path:
    """Return a name of this process alone: several may make one stage at the same time."""
    return path.with_suffix(f'.{os.getpid()}.temporary')
