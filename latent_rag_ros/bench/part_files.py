"""Parts that are measured already: kept on disk, and only used for what they were measured on."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from latent_rag_ros.bench.machine import machine_figures
from latent_rag_ros.bench.parts import Part
from latent_rag_ros.weights.registry import MANIFEST_NAME, WEIGHTS_DIRECTORY, write_atomically

PACKAGE = Path(__file__).resolve().parents[1]


def fingerprint() -> str:
    """Return 12 hexadecimal digits that change with code, weights, libraries and machine."""
    total = hashlib.sha256(json.dumps(machine_figures(), sort_keys=True).encode())
    for path in sorted(PACKAGE.rglob('*.py')):
        total.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    total.update((WEIGHTS_DIRECTORY / MANIFEST_NAME).read_bytes())
    return total.hexdigest()[:12]


class PartFiles:
    """Figures of parts in a folder, one file each.

    Parameters
    ----------
    folder : Path
        Where the files are; made when the first one is written.
    fingerprint : str
        What the figures belong to; files of anything else are left alone and not read.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder / fingerprint

    def read(self, part: Part) -> dict[str, Any] | None:
        """Return the record of a part; None when it has none, or one of other settings."""
        path = self._path(part)
        try:
            record = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return None
        return record if record.get('part') == part.as_json() else None

    def write(self, part: Part, record: dict[str, Any]) -> None:
        """Keep the record of a part. Raises `OSError` when the file cannot be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({'part': part.as_json(), **record}, indent=2, allow_nan=False) + '\n'
        write_atomically(self._path(part), text.encode())

    def _path(self, part: Part) -> Path:
        settings = json.dumps(part.as_json(), sort_keys=True).encode()
        return self.folder / f'{part.name}.{hashlib.sha256(settings).hexdigest()[:8]}.json'
