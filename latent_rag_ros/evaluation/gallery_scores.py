"""How well identities and people agree, over all cameras at once.

An identity that differs between two cameras is an error here, unlike in tracking figures of one
camera. Figures of every frame count labelled people who were not found as unknown.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latent_rag_ros.evaluation.gallery_stream import ObservedFrame

Answers = Sequence[Sequence[int]]
"""Per frame, the identity of each of `ObservedFrame.everybody`; 0 while unknown."""


@dataclass
class _Visit:
    """What was answered while one person passed one camera."""

    person: int
    known: list[int] = field(default_factory=list)


def scores(frames: Sequence[ObservedFrame], answers: Answers) -> dict[str, float | int]:
    """Return how well the answers name the people.

    Returns
    -------
    dict
        `idf1`, `idp`, `idr`: of Ristani et al. (ECCVW 2016) over all cameras. `id_switches`:
        changes of the identity within a visit. `returning_recognised`: share of returning visits
        that end with the identity that most earlier visits of the person ended with.
        `strangers_accepted`: share of first visits in which any frame had the identity of
        somebody else. `false_merges`: identities that more than one person ended a visit with.
    """
    visits = _visits(frames, answers)
    seen: dict[int, list[int]] = {}
    owners: dict[int, set[int]] = {}
    returning = right = first = accepted = 0
    for visit in visits:
        earlier = seen.setdefault(visit.person, [])
        last = visit.known[-1] if visit.known else 0
        if earlier:
            returning += 1
            right += bool(last) and last == Counter(earlier).most_common(1)[0][0]
        else:
            first += 1
            accepted += any(owners.get(identity, {visit.person}) - {visit.person}
                            for identity in visit.known)
        if last:
            earlier.append(last)
            owners.setdefault(last, set()).add(visit.person)
    return {
        **_identity_scores(frames, answers), 'id_switches': sum(
            one != other for visit in visits for one, other in zip(visit.known, visit.known[1:])),
        'returning_recognised': right / max(1, returning),
        'strangers_accepted': accepted / max(1, first),
        'false_merges': sum(len(people) > 1 for people in owners.values()),
        'identities': len({identity for frame in answers for identity in frame} - {0}),
        'people': len(seen), 'visits': len(visits), 'returning_visits': returning,
        'frames': len(frames)}


def _visits(frames: Sequence[ObservedFrame], answers: Answers) -> list[_Visit]:
    """Return the visits in the order in which they end."""
    visits: dict[int, _Visit] = {}
    for frame, identities in zip(frames, answers):
        for truth, identity in zip(frame.everybody, identities):
            if truth is None or not truth.counts:
                continue
            visit = visits.pop(truth.visit, None) or _Visit(truth.person)
            visits[truth.visit] = visit  # now the last one
            if identity:
                visit.known.append(identity)
    return list(visits.values())


def _identity_scores(frames: Sequence[ObservedFrame], answers: Answers) -> dict[str, float]:
    """Return IDF1, precision and recall under the best one-to-one assignment."""
    rows = [(0 if truth is None else truth.person, identity)
            for frame, identities in zip(frames, answers)
            for truth, identity in zip(frame.everybody, identities)
            if truth is None or truth.counts]
    rows += [(truth.person, 0) for frame in frames for truth in frame.missed]
    people, identities = np.array(rows, np.int64).reshape(-1, 2).T
    agreed = _agreed(people, identities)
    labelled, known = np.count_nonzero(people), np.count_nonzero(identities)
    return {'idf1': 2 * agreed / max(1, labelled + known), 'idp': agreed / max(1, known),
            'idr': agreed / max(1, labelled)}


def _agreed(people: NDArray[np.int64], identities: NDArray[np.int64]) -> int:
    """Return how many rows agree when each person is given the identity that fits best."""
    both = (people > 0) & (identities > 0)
    if not both.any():
        return 0
    names, rows = np.unique(people[both], return_inverse=True)
    numbers, columns = np.unique(identities[both], return_inverse=True)
    counts = np.zeros((len(names), len(numbers)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return int(counts[linear_sum_assignment(counts, maximize=True)].sum())
