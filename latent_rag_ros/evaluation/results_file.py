"""Results on disk: JSON, written whole or not at all, with everything needed to repeat them."""
from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import latent_rag_ros
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.weights.registry import (
    MANIFEST_NAME, WEIGHTS_DIRECTORY, read_manifest, write_atomically)

LIBRARIES = ('numpy', 'torch', 'faiss-cpu', 'opencv-python-headless', 'scikit-image')


def versions() -> dict[str, str]:
    """Return the versions of the package, of Python and of the libraries that set the figures."""
    found = {'latent_rag_ros': latent_rag_ros.__version__, 'python': platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = 'other source'
    return found


def weights_hashes(directory: Path | None = None) -> dict[str, str]:
    """Return the sha256 of every registered weights file by name.

    `directory` is a folder with a manifest of its own; without one the shipped manifest counts.
    Raises `WeightsError` when the manifest is missing or malformed.
    """
    own = (directory or WEIGHTS_DIRECTORY) / MANIFEST_NAME
    manifest = own if own.is_file() else WEIGHTS_DIRECTORY / MANIFEST_NAME
    return {name: str(entry['sha256']) for name, entry in read_manifest(manifest).items()}


def write_results(path: Path, results: Mapping[str, Any]) -> None:
    """Write results as indented JSON; the folder is made when it is not there.

    Raises `EvaluationError` when the folder or the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(results, indent=2, allow_nan=False) + '\n'
        write_atomically(path, text.encode())
    except OSError as error:
        raise EvaluationError(f'{path} cannot be written ({error.strerror}); '
                              'choose another file with --output') from error


def read_results(path: Path) -> dict[str, Any]:
    """Read results that `write_results` wrote.

    Raises `EvaluationError` when the file is missing or holds something else.
    """
    try:
        results = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise EvaluationError(f'{path} cannot be read ({error}); '
                              'make it with: latent-rag evaluate') from error
    if not isinstance(results, dict) or 'about' not in results:
        raise EvaluationError(f'{path} holds no results; make it with: latent-rag evaluate')
    return results
