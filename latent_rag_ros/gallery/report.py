"""A gallery on one page: who was seen when, and how far apart the identities are."""
from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.backend import StoredGallery
from latent_rag_ros.gallery.features import FeatureArray
from latent_rag_ros.gallery.folder import AUDIT_NAME
from latent_rag_ros.gallery.identity import Identity
from latent_rag_ros.gallery.sqlite_store import FILE_NAME, SqliteStore
from latent_rag_ros.gallery.thumbnails import stored_thumbnails

SECOND_NS = 1_000_000_000
WIDTH_PX, ROW_PX, BINS = 720, 18, 50
IDENTITIES_MAX = 2000
"""Most identities that the histogram compares, evenly chosen."""


def read_gallery(directory: Path) -> tuple[StoredGallery, NDArray[np.int64], FeatureArray]:
    """Return identities, owners and features of a folder, also while a node writes it.

    Raises `GalleryStorageError` when there is none or it is damaged.
    """
    store = SqliteStore(directory / FILE_NAME, read_only=True)
    try:
        stored = store.stored()
        dimension = 1 if stored.space is None else stored.space.dimension
        owners, vectors = store.features(dimension)
    finally:
        store.close()
    return stored, owners, vectors


def gallery_table(stored: StoredGallery) -> str:
    """Return the identities as a table of text, oldest first."""
    lines = [f'{len(stored.identities)} identities of {stored.enrolled} ever enrolled; features '
             f'of {stored.space or "nothing yet"}',
             f'{"identity":>8}  {"features":>8}  {"first seen (UTC)":19}  {"last seen (UTC)":19}  '
             'camera']
    lines += [f'{identity.identity_id:8d}  {identity.feature_count:8d}  '
              f'{_time(identity.first_seen_ns):19}  {_time(identity.last_seen_ns):19}  '
              f'{identity.camera}' for identity in stored.identities]
    return '\n'.join(lines)


def nearest_others(owners: NDArray[np.int64], vectors: FeatureArray) -> NDArray[np.float32]:
    """Return for each identity the highest cosine to a feature of another, shape (identities,)."""
    chosen = np.unique(owners)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(len(chosen), IDENTITIES_MAX)).astype(int)]
    kept = np.isin(owners, chosen)
    owners, vectors = owners[kept], vectors[kept]
    if len(chosen) < 2:
        return np.empty(0, np.float32)
    best = []
    for identity_id in chosen:
        own = owners == identity_id
        best.append((vectors[own] @ vectors[~own].T).max())
    return np.array(best, np.float32)


def gallery_page(directory: Path, similarity_min: float) -> str:
    """Return a gallery folder as one HTML page that loads nothing.

    Parameters
    ----------
    directory : Path
        Folder of the gallery.
    similarity_min : float
        Cosine of a match, drawn into the histogram.
    """
    stored, owners, vectors = read_gallery(directory)
    log = directory / AUDIT_NAME
    events = len(log.read_text(encoding='utf-8').splitlines()) if log.exists() else 0
    pictures = _pictures(directory, stored.identities)
    return '\n'.join((
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Gallery</title>',
        '<style>body{font:14px sans-serif;margin:2em;max-width:60em}pre{overflow:auto}'
        'rect{fill:#4477aa}line{stroke:#cc3311;stroke-width:2}'
        'figure{display:inline-block;margin:4px;text-align:center}</style>',
        f'<h1>Gallery: {len(stored.identities)} identities, {len(owners)} features</h1>',
        f'<p>{html.escape(str(stored.space or "empty"))}; {events} events in the audit log. '
        f'{"Pictures show synthetic people" if pictures else "No picture is kept"}.</p>',
        *pictures,
        '<h2>Identities over time</h2>', _timeline(stored.identities),
        '<h2>Highest cosine to another identity</h2>',
        f'<p>The line is the limit of a match, {similarity_min:.3f}. Identities right of it may '
        'be one person twice.</p>',
        _histogram(nearest_others(owners, vectors), similarity_min),
        '<h2>Table</h2>', f'<pre>{html.escape(gallery_table(stored))}</pre></html>'))


def _pictures(directory: Path, identities: Sequence[Identity]) -> list[str]:
    """Return the protected pictures of the identities that have one, inside the page."""
    found = stored_thumbnails(directory)
    return [f'<figure><img alt="" src="data:image/jpeg;base64,'
            f'{base64.b64encode(found[identity.identity_id].read_bytes()).decode()}">'
            f'<figcaption>{identity.identity_id}</figcaption></figure>'
            for identity in identities if identity.identity_id in found]


def _timeline(identities: Sequence[Identity]) -> str:
    if not identities:
        return '<p>Nobody.</p>'
    first = min(identity.first_seen_ns for identity in identities)
    span = max(1, max(identity.last_seen_ns for identity in identities) - first)
    rows = []
    for row, identity in enumerate(identities):
        left = 60 + (WIDTH_PX - 70) * (identity.first_seen_ns - first) / span
        width = max(2, (WIDTH_PX - 70) * (identity.last_seen_ns - identity.first_seen_ns) / span)
        rows.append(f'<text x="0" y="{row * ROW_PX + 13}">{identity.identity_id}</text>'
                    f'<rect x="{left:.1f}" y="{row * ROW_PX + 3}" width="{width:.1f}" '
                    f'height="{ROW_PX - 6}"><title>{_time(identity.first_seen_ns)} .. '
                    f'{_time(identity.last_seen_ns)}</title></rect>')
    return (f'<svg width="{WIDTH_PX}" height="{len(identities) * ROW_PX + 4}">{"".join(rows)}'
            '</svg>')


def _histogram(cosines: NDArray[np.float32], limit: float) -> str:
    if not len(cosines):
        return '<p>Fewer than two identities.</p>'
    counts, edges = np.histogram(cosines, BINS, (-1, 1))
    bar = WIDTH_PX / BINS
    bars = ''.join(f'<rect x="{row * bar:.1f}" y="{160 - 150 * count / counts.max():.1f}" '
                   f'width="{bar - 1:.1f}" height="{150 * count / counts.max():.1f}"><title>'
                   f'{edges[row]:.2f} .. {edges[row + 1]:.2f}: {count}</title></rect>'
                   for row, count in enumerate(counts))
    x = WIDTH_PX * (limit + 1) / 2
    return (f'<svg width="{WIDTH_PX}" height="180">{bars}<line x1="{x:.1f}" y1="0" x2="{x:.1f}" '
            'y2="160"/><text x="0" y="176">-1</text>'
            f'<text x="{WIDTH_PX - 12}" y="176">1</text></svg>')


def _time(stamp_ns: int) -> str:
    return datetime.fromtimestamp(stamp_ns // SECOND_NS, timezone.utc).strftime(
        '%Y-%m-%d %H:%M:%S')
