"""A process that writes a gallery for ever and says what it has acknowledged."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from latent_rag_ros.gallery.backend import Backend
from latent_rag_ros.gallery.faiss_backend import FaissBackend
from latent_rag_ros.gallery.features import FeatureArray, Features, FeatureSpace
from latent_rag_ros.gallery.folder import GalleryFolder
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.milvus_backend import MilvusBackend

SPACE = FeatureSpace('test-embedder', '', 256)
FEATURES, ERASED_EVERY = 5, 4


def features_of(identity_id: int) -> FeatureArray:
    """Return the features that an identity is written with, shape (5, 256)."""
    vectors = np.random.default_rng(identity_id).normal(size=(FEATURES, SPACE.dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def is_erased(identity_id: int, newest: int) -> bool:
    """Tell whether an identity has been erased when `newest` was acknowledged."""
    return identity_id % ERASED_EVERY == 0 and identity_id < newest


def open_backend(kind: str, folder: Path) -> Backend:
    """Return the backend `faiss` or `milvus` in a folder."""
    if kind == 'milvus':
        folder.mkdir(exist_ok=True)
        return MilvusBackend(str(folder / 'gallery.db'))
    return FaissBackend(GalleryFolder(folder))


def main() -> None:
    """Enrol identities, erase every fourth with the next one, until somebody ends this."""
    backend = open_backend(sys.argv[1], Path(sys.argv[2]))
    gallery = Gallery(FEATURES, 1_000_000, backend)
    newest = backend.stored().enrolled
    while True:
        expected = newest + 1
        newest = gallery.enrol(Features(SPACE, features_of(expected)), expected, expected)
        assert newest == expected
        gallery.commit()
        for identity in gallery.identities():
            if is_erased(identity.identity_id, newest):
                gallery.erase(identity.identity_id)
        sys.stdout.write(f'{newest}\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
