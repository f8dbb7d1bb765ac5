"""What a gallery needs of the place where features live: in this process, or in a database."""
from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from numpy import float32, int64
from numpy.typing import NDArray

from latent_rag_ros.gallery.features import FeatureArray, FeatureSpace
from latent_rag_ros.gallery.identity import Identity


class GalleryStorageError(RuntimeError):
    """The gallery cannot be read or written. Names the file or address and the remedy."""


@dataclass(frozen=True)
class StoredGallery:
    """What a backend held when it was opened.

    Parameters
    ----------
    space : FeatureSpace or None
        Model, key and dimension of its features; None when it was empty from the start.
    enrolled : int
        Identities that were ever enrolled; the next one gets the next number.
    identities : tuple of Identity
        Oldest first.
    """

    space: FeatureSpace | None = None
    enrolled: int = 0
    identities: tuple[Identity, ...] = ()


class Backend(Protocol):
    """Stores and searches the features of identities. Changes last from `commit` on.

    Every method raises `GalleryStorageError` when the place cannot be read or written. Queries
    are of the space that was begun with; the gallery checks that.
    """

    def stored(self) -> StoredGallery:
        """Return what is there apart from the features."""

    def begin(self, space: FeatureSpace) -> None:
        """Fix the feature space of an empty backend."""

    def feature_count(self) -> int:
        """Return the number of features of all identities."""

    @property
    def search_kind(self) -> str:
        """How features are searched, in words for diagnostics."""

    def search(self, vectors: FeatureArray,
               count: int) -> tuple[NDArray[float32], NDArray[int64]]:
        """Return cosines and identities of the nearest features.

        Both have shape (n, k), best first, where k is `count` or, when fewer are stored, less.
        A backend that does not look at every feature fills up with identity -1.
        """

    def features_of(self, identity_id: int) -> FeatureArray:
        """Return the features of an identity, shape (n, dimension), oldest first."""

    def write(self, identity: Identity, added: FeatureArray | None = None,
              dropped: int = 0) -> None:
        """Write what is known of an identity, new or not.

        `added` features, shape (n, dimension), come after the others; of the others the oldest
        `dropped` go.
        """

    def remove(self, identity_ids: Collection[int]) -> int:
        """Erase identities at once and for good, features included; return how many features.

        It is done, not only noted, when this returns, and includes a `commit`.
        """

    def clear(self) -> None:
        """Erase everything but the number of enrolments, at once and for good."""

    def commit(self) -> None:
        """Return when all changes would survive the end of this process and of its machine."""

    def save(self) -> str:
        """Commit, check what is stored and return one line that says where it is."""

    def close(self) -> None:
        """Commit and let go of files and connections."""
