"""The gallery: which identities were seen, by which features, and when."""
from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from latent_rag_ros.gallery.audit import AuditLog
from latent_rag_ros.gallery.backend import Backend
from latent_rag_ros.gallery.faiss_backend import FaissBackend
from latent_rag_ros.gallery.features import FeatureArray, Features, FeatureSpace, GalleryError
from latent_rag_ros.gallery.identity import Candidate, Identity
from latent_rag_ros.gallery.thumbnails import ThumbnailFolder

SECOND_NS = 1_000_000_000
STAMP_PERIOD_NS = SECOND_NS
"""Observations that add no feature are written at most this often; `save` writes the last."""


class Gallery:
    """Known identities, searched by cosine.

    The first features fix the feature space; features of another model, key or dimension are
    refused until `erase_all`. Changes of a frame are safe from `commit` on, erasures at once.
    All methods raise `GalleryStorageError` when the backend cannot be read or written.

    Parameters
    ----------
    features_per_identity : int
        Most features kept per identity; more replace the oldest.
    identities_max : int
        Most identities kept; a new one replaces the one not seen for longest.
    backend : Backend, optional
        Where the features live; in memory when it is not given.
    audit : AuditLog, optional
        Gets an event for everything that begins, ends or shows an identity.
    clock : Callable
        Time of an observation, nanoseconds since 1970.
    thumbnails : Path, optional
        Folder of the gallery, which keeps a protected picture of each identity too.
    """

    def __init__(self, features_per_identity: int, identities_max: int,
                 backend: Backend | None = None, audit: AuditLog | None = None,
                 clock: Callable[[], int] = time.time_ns,
                 thumbnails: Path | None = None) -> None:
        self._features_per_identity = features_per_identity
        self._identities_max = identities_max
        self._backend = FaissBackend() if backend is None else backend
        self._audit, self._clock = audit, clock
        stored = self._backend.stored()
        self._enrolled, self._space = stored.enrolled, stored.space
        self._begun = stored.space is not None
        self._identities = {identity.identity_id: identity for identity in stored.identities}
        self._thumbnails = (None if thumbnails is None else
                            ThumbnailFolder(thumbnails, self._identities))
        self._unwritten: set[int] = set()
        self._written_ns: dict[int, int] = {}

    def __len__(self) -> int:
        """Return the number of identities."""
        return len(self._identities)

    def __contains__(self, identity_id: object) -> bool:
        """Tell whether `identity_id` is known."""
        return identity_id in self._identities

    @property
    def space(self) -> FeatureSpace | None:
        """Model, key and dimension of the features; None before the first ones."""
        return self._space

    @property
    def feature_count(self) -> int:
        """Number of features that the search index holds."""
        return self._backend.feature_count()

    @property
    def search_kind(self) -> str:
        """How features are searched, in words."""
        return self._backend.search_kind

    def identities(self) -> list[Identity]:
        """Return all identities, oldest first."""
        return list(self._identities.values())

    def identities_by_id(self) -> dict[int, Identity]:
        """Return all identities by their numbers, as they are now."""
        return self._identities.copy()

    def identity(self, identity_id: int) -> Identity:
        """Return one identity; raises `GalleryError` for an unknown one."""
        if identity_id not in self._identities:
            raise GalleryError(f'identity {identity_id} is not in the gallery; '
                               'list the identities to see which are')
        return self._identities[identity_id]

    def match(self, features: Features, count: int = 1) -> list[list[Candidate]]:
        """Return the nearest identities of each feature, nearest first.

        Parameters
        ----------
        features : Features
            Queries, n of them.
        count : int
            Different identities wanted per query; fewer come back when fewer are known.

        Returns
        -------
        list of list of Candidate
            One list per query, at most `count` long.

        Raises
        ------
        GalleryError
            When the features are of another model, key or dimension than the gallery.
        """
        self._check(features.space)
        if not self._identities or not len(features):
            return [[] for _ in range(len(features))]
        # (count - 1) identities can hide the next one behind all of their features
        depth = (count - 1) * self._features_per_identity + 1
        cosines, owners = self._backend.search(features.vectors, depth)
        return [_nearest(row_cosines, row_owners, count)
                for row_cosines, row_owners in zip(cosines.tolist(), owners.tolist())]

    def similarity(self, identity_id: int, features: Features) -> list[float]:
        """Return the cosine of each feature to the nearest one of an identity.

        Raises `GalleryError` for an unknown identity or another feature space.
        """
        self._check(features.space)
        own = self.features_of(identity_id)
        return (features.vectors @ own.T).max(axis=1).tolist()

    def features_of(self, identity_id: int) -> FeatureArray:
        """Return the features of an identity, shape (n, dimension), oldest first.

        Raises `GalleryError` for an unknown identity.
        """
        self.identity(identity_id)
        return self._backend.features_of(identity_id)

    def enrol(self, features: Features, first_seen_ns: int, last_seen_ns: int,
              camera: str = '') -> int:
        """Make a new identity of at least one feature, oldest first, and return its id.

        Raises `GalleryError` when there is no feature, or for another feature space.
        """
        self._check(features.space)
        if not len(features):
            raise GalleryError('an identity was to be enrolled without a feature; give at least 1')
        if not self._begun:
            self._backend.begin(features.space)
            self._begun = True
        if len(self) >= self._identities_max:
            self._remove('evicted', [min(self._identities.values(),
                                         key=lambda identity: identity.last_seen_ns).identity_id])
        kept = features.vectors[-self._features_per_identity:]
        identity = Identity(self._enrolled + 1, len(kept), first_seen_ns, last_seen_ns,
                            self._clock(), camera)
        self._write(identity, kept)
        self._enrolled = identity.identity_id
        self._note('enrolled', identity_id=identity.identity_id, features=len(kept))
        return identity.identity_id

    def observe(self, identity_id: int, stamp_ns: int, features: Features | None = None,
                camera: str = '') -> None:
        """Note that an identity was seen, and keep the features if given, oldest first.

        Raises `GalleryError` for an unknown identity or another feature space.
        """
        identity = self.identity(identity_id)
        identity = replace(
            identity, first_seen_ns=min(identity.first_seen_ns, stamp_ns),
            last_seen_ns=max(identity.last_seen_ns, stamp_ns), received_ns=self._clock(),
            camera=camera or identity.camera)
        if features is not None:
            self._check(features.space)
            self._keep(identity, features.vectors)
        elif abs(identity.received_ns - self._written_ns.get(identity_id, 0)) >= STAMP_PERIOD_NS:
            self._write(identity)
        else:
            self._identities[identity_id] = identity
            self._unwritten.add(identity_id)

    def keep_apart(self, one_id: int, other_id: int) -> None:
        """Note for good that two identities are different people; `merge` refuses them."""
        for identity_id, other in ((one_id, other_id), (other_id, one_id)):
            identity = self.identity(identity_id)
            if other not in identity.apart_from:
                self._write(replace(identity, apart_from=(*identity.apart_from, other)))

    def merge(self, kept_id: int, merged_id: int) -> None:
        """Make two identities one: `kept_id` takes features and times, `merged_id` is erased.

        Raises `GalleryError` when one is unknown or they were seen apart.
        """
        kept, merged = self.identity(kept_id), self.identity(merged_id)
        if kept_id == merged_id or merged_id in kept.apart_from:
            raise GalleryError(f'identities {kept_id} and {merged_id} cannot be merged: they are '
                               'the same or were seen beside each other')
        features = self._backend.features_of(merged_id)
        self._keep(replace(
            kept, first_seen_ns=min(kept.first_seen_ns, merged.first_seen_ns),
            last_seen_ns=max(kept.last_seen_ns, merged.last_seen_ns),
            received_ns=max(kept.received_ns, merged.received_ns),
            camera=(kept if kept.last_seen_ns >= merged.last_seen_ns else merged).camera,
            apart_from=tuple(sorted({*kept.apart_from, *merged.apart_from}))), features)
        self._remove('merged', [merged_id], into=kept_id)

    def erase(self, identity_id: int) -> int:
        """Remove an identity with its features; return how many features there were.

        Raises `GalleryError` for an unknown identity.
        """
        self.identity(identity_id)
        return self._remove('erased', [identity_id])

    def erase_unseen(self, retention_s: float) -> list[int]:
        """Erase all identities not observed for `retention_s`; return their ids."""
        oldest_ns = self._clock() - round(retention_s * SECOND_NS)
        unseen = [identity.identity_id for identity in self._identities.values()
                  if identity.received_ns < oldest_ns]
        if unseen:
            self._remove('retention', unseen)
        return unseen

    def erase_all(self) -> int:
        """Remove everything, the feature space included; return how many identities there were."""
        erased = len(self)
        if self._thumbnails is not None:
            self._thumbnails.clear()
        self._backend.clear()
        self._forget(list(self._identities))
        self._space, self._begun = None, False
        self._note('erased_all', identities=erased)
        return erased

    def export(self, identity_id: int) -> tuple[Identity, FeatureArray]:
        """Return all that is kept of an identity; raises `GalleryError` for an unknown one."""
        features = self.features_of(identity_id)
        self._note('exported', identity_id=identity_id, features=len(features))
        return self.identity(identity_id), features

    def has_thumbnail(self, identity_id: int) -> bool:
        """Tell whether there is a picture of an identity, or none is wanted."""
        return self._thumbnails is None or identity_id in self._thumbnails

    def keep_thumbnail(self, identity_id: int, jpeg: bytes) -> None:
        """Keep a protected picture of an identity; raises `GalleryError` for an unknown one."""
        self.identity(identity_id)
        if self._thumbnails is not None:
            self._thumbnails.put(identity_id, jpeg)

    def commit(self) -> None:
        """Return when all changes so far outlive the process, where the backend does."""
        self._backend.commit()

    def save(self) -> str:
        """Write everything, check what is stored and return one line that says where it is."""
        self._write_stamps()
        return self._backend.save()

    def close(self) -> None:
        """Write everything and let go of the backend. Nothing works afterwards."""
        self._write_stamps()
        self._backend.close()
        self._forget(list(self._identities))

    def _keep(self, identity: Identity, vectors: FeatureArray) -> None:
        """Write an identity with further features, within the limit."""
        vectors = vectors[-self._features_per_identity:]
        dropped = max(0, identity.feature_count + len(vectors) - self._features_per_identity)
        self._write(replace(identity, feature_count=identity.feature_count + len(vectors)
                            - dropped), vectors, dropped)

    def _write(self, identity: Identity, added: FeatureArray | None = None,
               dropped: int = 0) -> None:
        if added is not None:
            added = np.ascontiguousarray(added)
        self._backend.write(identity, added, dropped)
        self._identities[identity.identity_id] = identity
        self._written_ns[identity.identity_id] = identity.received_ns
        self._unwritten.discard(identity.identity_id)

    def _write_stamps(self) -> None:
        for identity_id in sorted(self._unwritten):
            self._write(self._identities[identity_id])

    def _remove(self, event: str, identity_ids: Collection[int], **details: int) -> int:
        if self._thumbnails is not None:
            self._thumbnails.remove(identity_ids)
        erased = self._backend.remove(identity_ids)
        self._forget(identity_ids)
        self._note(event, identity_ids=list(identity_ids), features=erased, **details)
        return erased

    def _forget(self, identity_ids: Collection[int]) -> None:
        for identity_id in identity_ids:
            del self._identities[identity_id]
            self._written_ns.pop(identity_id, None)
            self._unwritten.discard(identity_id)

    def _note(self, event: str, **details: int | list[int]) -> None:
        if self._audit is not None:
            self._audit.add(event, **details)

    def _check(self, space: FeatureSpace) -> None:
        """Refuse features of another space than the first ones."""
        if self._space is None:
            self._space = space
        if space != self._space:
            raise GalleryError(f'features are of {space}, the gallery is of {self._space}; they '
                               'do not compare: erase all identities to change the model')


def _nearest(cosines: list[float], owners: list[int], count: int) -> list[Candidate]:
    """Return the first `count` different owners, each with its best cosine."""
    best: dict[int, float] = {}
    for cosine, owner in zip(cosines, owners):
        if len(best) >= count and cosine < min(best.values()):
            break
        if owner >= 0:  # else the backend looked no further
            best.setdefault(owner, cosine)
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [Candidate(owner, cosine) for owner, cosine in ranked[:count]]
