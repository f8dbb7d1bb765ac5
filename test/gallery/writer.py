"""A process that writes a gallery for ever and says what it has acknowledged."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from latent_rag_ros.gallery.features import FeatureArray, FeatureSpace
from latent_rag_ros.gallery.identity import Identity
from latent_rag_ros.gallery.sqlite_store import SqliteStore

SPACE = FeatureSpace('test-embedder', '', 256)
FEATURES, ERASED_EVERY = 5, 4


def features_of(identity_id: int) -> FeatureArray:
    """Return the features that an identity is written with, shape (5, 256)."""
    vectors = np.random.default_rng(identity_id).normal(size=(FEATURES, SPACE.dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def is_erased(identity_id: int, newest: int) -> bool:
    """Tell whether an identity has been erased when `newest` was acknowledged."""
    return identity_id % ERASED_EVERY == 0 and identity_id < newest


def main() -> None:
    """Write identities, erase every fourth with the next one, until somebody ends this."""
    store = SqliteStore(Path(sys.argv[1]))
    stored = store.stored()
    identity_id = stored.enrolled
    waiting = [identity.identity_id for identity in stored.identities
               if identity.identity_id % ERASED_EVERY == 0]
    store.set_space(SPACE)
    while True:
        identity_id += 1
        store.write(Identity(identity_id, FEATURES, identity_id, identity_id),
                    features_of(identity_id), 0)
        store.commit()
        if waiting:
            store.remove(waiting)
        waiting = [identity_id] if identity_id % ERASED_EVERY == 0 else []
        sys.stdout.write(f'{identity_id}\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
