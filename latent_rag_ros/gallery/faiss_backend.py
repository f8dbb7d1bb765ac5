"""The embedded backend: FAISS searches in memory, SQLite keeps the same features on disk."""
from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.backend import GalleryStorageError, StoredGallery
from latent_rag_ros.gallery.features import FeatureArray, FeatureSpace
from latent_rag_ros.gallery.folder import GalleryFolder
from latent_rag_ros.gallery.growing_index import GrowingIndex
from latent_rag_ros.gallery.identity import Identity
from latent_rag_ros.gallery.sqlite_store import DamagedStoreError, SqliteStore

LOGGER = logging.getLogger(__name__)
EXACT_FEATURES_MAX = 1_000_000


class FaissBackend:
    """Features in one FAISS index, on disk too when there is a folder. See `Backend`.

    A damaged file is set aside in the folder's quarantine and an empty gallery is begun.

    Parameters
    ----------
    folder : GalleryFolder, optional
        Where the gallery outlives the process; without one it does not.
    exact_features_max : int
        Most features that are searched exactly, see `GrowingIndex`.
    """

    def __init__(self, folder: GalleryFolder | None = None,
                 exact_features_max: int = EXACT_FEATURES_MAX) -> None:
        self._folder, self._exact_max = folder, exact_features_max
        self._store: SqliteStore | None = None
        self._index: GrowingIndex | None = None
        self._stored = StoredGallery()
        if folder is not None:
            self._open(folder)

    @property
    def path(self) -> Path | None:
        """The file of the gallery; None without one."""
        return None if self._store is None else self._store.path

    def stored(self) -> StoredGallery:
        """Return what the file held when it was opened."""
        return self._stored

    def begin(self, space: FeatureSpace) -> None:
        """Make an empty index for features of `space`."""
        self._index = GrowingIndex(space.dimension, self._exact_max)
        if self._store is not None:
            self._store.set_space(space)

    def feature_count(self) -> int:
        """Return the number of features in the index."""
        return 0 if self._index is None else len(self._index)

    @property
    def search_kind(self) -> str:
        """How features are searched: exactly, or by which share of the clusters."""
        return 'exact' if self._index is None else self._index.kind

    def search(self, vectors: FeatureArray,
               count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return cosines and identities of the nearest features, as `GrowingIndex.search`."""
        return self._index.search(vectors, count)

    def features_of(self, identity_id: int) -> FeatureArray:
        """Return the features of an identity, shape (n, dimension), oldest first."""
        return self._index.features_of(identity_id)

    def write(self, identity: Identity, added: FeatureArray | None = None,
              dropped: int = 0) -> None:
        """Write an identity; the file first, so that memory never knows more."""
        if self._store is not None:
            self._store.write(identity, added, dropped)
        new = np.empty((0, 0), np.float32) if added is None else added
        for vector in new[:dropped]:
            self._index.replace_oldest(identity.identity_id, vector)
        for _ in range(dropped - len(new)):
            self._index.drop_oldest(identity.identity_id)
        if len(new) > dropped:
            self._index.add(identity.identity_id, new[dropped:])

    def remove(self, identity_ids: Collection[int]) -> int:
        """Erase identities from index, file, journal and quarantine."""
        erased = sum(self._index.remove(identity_id) for identity_id in identity_ids)
        if self._store is not None:
            self._store.remove(identity_ids)
            self._folder.empty_quarantine()
        return erased

    def clear(self) -> None:
        """Erase everything from index, file, journal and quarantine."""
        if self._index is not None:
            self._index.clear()
            self._index = None
        if self._store is not None:
            self._store.clear()
            self._folder.empty_quarantine()

    def commit(self) -> None:
        """Flush changes to the disk."""
        if self._store is not None:
            self._store.commit()

    def save(self) -> str:
        """Commit, empty the journal into the file and check the file."""
        if self._store is None:
            raise GalleryStorageError('the gallery is in memory only; set gallery.directory to '
                                      'keep it')
        self._store.save()
        return (f'{len(self._store.stored().identities)} identities, {self.feature_count()} '
                f'features are in {self._store.path}')

    def close(self) -> None:
        """Commit and close the file; overwrite the features in memory."""
        if self._index is not None:
            self._index.clear()
            self._index = None
        if self._store is not None:
            self._store.close()
            self._store = None
            self._folder.close()

    def _open(self, folder: GalleryFolder) -> None:
        try:
            self._load(folder)
        except DamagedStoreError as error:
            if self._store is not None:
                self._store.close()
            target = folder.quarantine(str(error))
            LOGGER.error('%s; set aside in %s, an empty gallery is begun', error, target)
            self._load(folder)
        except GalleryStorageError:
            folder.close()
            raise

    def _load(self, folder: GalleryFolder) -> None:
        self._store, self._index = None, None
        self._store = SqliteStore(folder.store_path)
        self._stored = self._store.stored()
        if self._stored.space is not None:
            owners, vectors = self._store.features(self._stored.space.dimension)
            known = {identity.identity_id for identity in self._stored.identities}
            if not known.issuperset(np.unique(owners).tolist()):
                raise DamagedStoreError(f'{folder.store_path} holds features of nobody')
            self._index = GrowingIndex(self._stored.space.dimension, self._exact_max)
            self._index.load(owners, vectors)
