"""One small protected picture per identity, for the report; gone as soon as the identity is."""
from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.weights.registry import write_atomically

FOLDER_NAME = 'thumbnails'


class ThumbnailFolder:
    """JPEG files by identity. Every method raises `GalleryStorageError` when files cannot be used.

    Parameters
    ----------
    directory : Path
        Folder of the gallery; the pictures are in a folder of their own in it, mode 0700.
    known : Collection of int
        Identities of the gallery; pictures of others, left by a crash, are deleted.
    """

    def __init__(self, directory: Path, known: Collection[int]) -> None:
        self._folder = directory / FOLDER_NAME
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._known = set(map(int, stored_thumbnails(directory)))
            for path in self._folder.iterdir():
                if not path.stem.isdecimal() or path.suffix != '.jpg':
                    path.unlink()  # begun and never finished
        except OSError as error:
            raise self._failed(error) from error
        self.remove(self._known - set(known))

    def __contains__(self, identity_id: object) -> bool:
        """Tell whether there is a picture of an identity."""
        return identity_id in self._known

    def put(self, identity_id: int, jpeg: bytes) -> None:
        """Keep a picture, whole or not at all."""
        try:
            write_atomically(self._folder / f'{identity_id}.jpg', jpeg)
        except OSError as error:
            raise self._failed(error) from error
        self._known.add(identity_id)

    def remove(self, identity_ids: Collection[int]) -> None:
        """Overwrite and delete the pictures of identities, where there are any."""
        for identity_id in self._known.intersection(identity_ids):
            path = self._folder / f'{identity_id}.jpg'
            try:
                with path.open('r+b') as file:
                    file.write(bytes(path.stat().st_size))
                    file.flush()
                    os.fsync(file.fileno())
                path.unlink()
            except FileNotFoundError:
                pass
            except OSError as error:
                raise self._failed(error) from error
            self._known.discard(identity_id)

    def clear(self) -> None:
        """Delete all pictures."""
        self.remove(set(self._known))

    def _failed(self, error: OSError) -> GalleryStorageError:
        return GalleryStorageError(f'{self._folder} cannot be used ({error.strerror}); check '
                                   'permissions and free space')


def stored_thumbnails(directory: Path) -> dict[int, Path]:
    """Return the pictures of a gallery folder by identity."""
    return {int(path.stem): path for path in (directory / FOLDER_NAME).glob('*.jpg')
            if path.stem.isdecimal()}
