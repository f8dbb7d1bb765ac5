"""Who is who within one frame: no two persons of a frame are the same identity."""
from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from latent_rag_ros.gallery.identity import Candidate


def assign(candidates: Sequence[Sequence[Candidate]], taken: Collection[int],
           similarity_min: float) -> list[Candidate | None]:
    """Give each person of a frame at most one identity, and each identity at most one person.

    Parameters
    ----------
    candidates : sequence of sequences of Candidate
        Per person, the identities it may be.
    taken : collection of int
        Identities that other persons of the frame already are.
    similarity_min : float
        A person is an identity only from this cosine on.

    Returns
    -------
    list of Candidate or None
        Per person its identity, so that the sum of (similarity - `similarity_min`) is largest.
    """
    allowed = [{c.identity_id: c for c in row
                if c.similarity >= similarity_min and c.identity_id not in taken}
               for row in candidates]
    identity_ids = sorted({identity_id for row in allowed for identity_id in row})
    gains = np.zeros((len(allowed), len(identity_ids)))
    for person, row in enumerate(allowed):
        for identity_id, candidate in row.items():
            # never 0, so that a person exactly at the limit still is worth more than nobody
            gain = candidate.similarity - similarity_min + np.finfo(np.float32).eps
            gains[person, identity_ids.index(identity_id)] = gain
    assigned: list[Candidate | None] = [None] * len(allowed)
    for person, column in zip(*linear_sum_assignment(gains, maximize=True)):
        assigned[person] = allowed[person].get(identity_ids[column])
    return assigned
