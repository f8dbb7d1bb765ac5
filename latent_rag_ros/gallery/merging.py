"""Two identities that are one person: evidence from tracks that match both, again and again."""
from __future__ import annotations

from collections.abc import Collection, Sequence

from latent_rag_ros.gallery.features import Features
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.identity import Candidate

MARGIN, LIMIT_MAX = 0.1, 0.95
"""Both must match by this cosine more than a match needs, but never by more than the second."""


class Merger:
    """Counts evidence that two identities are equal, and merges them when it suffices.

    People who were seen side by side in one frame are never merged.

    Parameters
    ----------
    gallery : Gallery
        The identities.
    observations_min : int
        Observations that must match both, before the two are compared and merged.
    """

    def __init__(self, gallery: Gallery, observations_min: int) -> None:
        self._gallery, self._observations_min = gallery, observations_min
        self._evidence: dict[tuple[int, int], int] = {}

    def note_apart(self, present: Collection[int], candidates: Sequence[Sequence[Candidate]],
                   owners: Sequence[int], similarity_min: float) -> None:
        """Keep identities of one frame apart that look alike.

        Parameters
        ----------
        present : collection of int
            Identities in the frame.
        candidates : sequence of sequences of Candidate
            Per person, whom the features match.
        owners : sequence of int
            Per person the identity; 0 while unknown.
        similarity_min : float
            Cosine of a match.
        """
        for own_id, row in zip(owners, candidates):
            for candidate in row:
                other = candidate.identity_id
                if (own_id and other != own_id and other in present
                        and candidate.similarity >= similarity_min
                        and own_id in self._gallery and other in self._gallery):
                    self._gallery.keep_apart(own_id, other)

    def consider(self, own_id: int, candidates: Sequence[Candidate], present: Collection[int],
                 similarity_min: float, is_new: bool = False) -> tuple[int, int] | None:
        """Look at one more observation; return (kept, merged) when two became one.

        Parameters
        ----------
        own_id : int
            Identity of the observed person.
        candidates : sequence of Candidate
            Whom the person's pooled feature matches.
        present : collection of int
            Identities that are somebody else, because they are in view elsewhere.
        similarity_min : float
            Cosine of a match.
        is_new : bool
            Whether the identity is that of this track only; then a match suffices.
        """
        limit = similarity_min if is_new else min(similarity_min + MARGIN, LIMIT_MAX)
        alike = {candidate.identity_id for candidate in candidates
                 if candidate.similarity >= limit}
        if own_id not in alike or own_id not in self._gallery:
            return None
        apart = self._gallery.identity(own_id).apart_from
        for other in sorted(alike - {own_id} - set(present) - set(apart)):
            pair = min(own_id, other), max(own_id, other)
            self._evidence[pair] = self._evidence.get(pair, 0) + 1
            if self._evidence[pair] >= self._observations_min and (
                    is_new or self._are_equal(*pair, limit)):
                self._gallery.merge(*pair)
                self._evidence = {known: count for known, count in self._evidence.items()
                                  if pair[1] not in known}
                return pair
        return None

    def _are_equal(self, one_id: int, other_id: int, limit: float) -> bool:
        """Tell whether most views of one look like a view of the other."""
        if other_id not in self._gallery:
            return False
        views = Features(self._gallery.space, self._gallery.features_of(other_id))
        similarities = sorted(self._gallery.similarity(one_id, views))
        return similarities[len(similarities) // 2] >= limit
