"""The gallery: which identities were seen, by which features, and when."""
from __future__ import annotations

from dataclasses import dataclass, replace

from latent_rag_ros.gallery.feature_index import FeatureIndex
from latent_rag_ros.gallery.features import Features, FeatureSpace, GalleryError


@dataclass(frozen=True)
class Identity:
    """One known identity.

    Parameters
    ----------
    identity_id : int
        From 1 upwards, never used again, not even after the identity was erased.
    feature_count : int
        Features kept of it, at least 1.
    first_seen_ns, last_seen_ns : int
        Camera stamps of its first and last observation, nanoseconds.
    """

    identity_id: int
    feature_count: int
    first_seen_ns: int
    last_seen_ns: int


@dataclass(frozen=True)
class Candidate:
    """One identity that a feature may belong to, with the cosine to its nearest feature."""

    identity_id: int
    similarity: float


class Gallery:
    """Known identities in memory, searched exactly.

    The first features fix the feature space; features of another model, key or dimension are
    refused until `erase_all`.

    Parameters
    ----------
    features_per_identity : int
        Most features kept per identity; more replace the oldest.
    identities_max : int
        Most identities kept; a new one replaces the one not seen for longest.
    """

    def __init__(self, features_per_identity: int, identities_max: int) -> None:
        self._features_per_identity = features_per_identity
        self._identities_max = identities_max
        self._enrolled = 0
        self._space: FeatureSpace | None = None
        self._index: FeatureIndex | None = None
        self._identities: dict[int, Identity] = {}

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
        return 0 if self._index is None else len(self._index)

    def identities(self) -> list[Identity]:
        """Return all identities, oldest first."""
        return list(self._identities.values())

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
        index = self._index_for(features.space)
        # (count - 1) identities can hide the next one behind all of their features
        depth = (count - 1) * self._features_per_identity + 1
        cosines, owners = index.search(features.vectors, depth)
        return [_nearest(row_cosines, row_owners, count)
                for row_cosines, row_owners in zip(cosines.tolist(), owners.tolist())]

    def similarity(self, identity_id: int, features: Features) -> list[float]:
        """Return the cosine of each feature to the nearest one of an identity.

        Raises `GalleryError` for an unknown identity or another feature space.
        """
        self._known(identity_id)
        return self._index_for(features.space).similarity(identity_id, features.vectors).tolist()

    def enrol(self, features: Features, first_seen_ns: int, last_seen_ns: int) -> int:
        """Make a new identity of at least one feature, oldest first, and return its id.

        Raises `GalleryError` when there is no feature, or for another feature space.
        """
        index = self._index_for(features.space)
        if not len(features):
            raise GalleryError('an identity was to be enrolled without a feature; give at least 1')
        if len(self) >= self._identities_max:
            self.erase(min(self.identities(), key=lambda identity: identity.last_seen_ns)
                       .identity_id)
        self._enrolled += 1
        kept = features.vectors[-self._features_per_identity:]
        index.add(self._enrolled, kept)
        self._identities[self._enrolled] = Identity(
            self._enrolled, len(kept), first_seen_ns, last_seen_ns)
        return self._enrolled

    def observe(self, identity_id: int, stamp_ns: int, features: Features | None = None) -> None:
        """Note that an identity was seen, and keep the features if given, oldest first.

        Raises `GalleryError` for an unknown identity or another feature space.
        """
        identity = self._known(identity_id)
        if features is not None:
            self._keep(identity_id, features)
            identity = replace(identity, feature_count=self._index.count(identity_id))
        self._identities[identity_id] = replace(
            identity, first_seen_ns=min(identity.first_seen_ns, stamp_ns),
            last_seen_ns=max(identity.last_seen_ns, stamp_ns))

    def erase(self, identity_id: int) -> int:
        """Remove an identity with its features; return how many features there were.

        Raises `GalleryError` for an unknown identity.
        """
        self._known(identity_id)
        del self._identities[identity_id]
        return self._index.remove(identity_id)

    def erase_all(self) -> int:
        """Remove everything, the feature space included; return how many identities there were."""
        erased = len(self)
        if self._index is not None:
            self._index.clear()
        self._identities.clear()
        self._space, self._index = None, None
        return erased

    def _known(self, identity_id: int) -> Identity:
        if identity_id not in self._identities:
            raise GalleryError(f'identity {identity_id} is not in the gallery; '
                               'list the identities to see which are')
        return self._identities[identity_id]

    def _keep(self, identity_id: int, features: Features) -> None:
        index = self._index_for(features.space)
        for vector in features.vectors:
            if index.count(identity_id) < self._features_per_identity:
                index.add(identity_id, vector[None])
            else:
                index.replace_oldest(identity_id, vector)

    def _index_for(self, space: FeatureSpace) -> FeatureIndex:
        if self._index is None:
            self._space, self._index = space, FeatureIndex(space.dimension)
        if space != self._space:
            raise GalleryError(f'features are of {space}, the gallery is of {self._space}; they '
                               'do not compare: erase all identities to change the model')
        return self._index


def _nearest(cosines: list[float], owners: list[int], count: int) -> list[Candidate]:
    """Return the first `count` different owners, each with its best cosine."""
    best: dict[int, float] = {}
    for cosine, owner in zip(cosines, owners):
        best.setdefault(owner, cosine)
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [Candidate(owner, cosine) for owner, cosine in ranked[:count]]
