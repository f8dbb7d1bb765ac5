"""Comings and goings of people before several cameras, and how well a gallery tells who is who.

A visit is one track: a person before one camera for a few frames. Everybody comes at least twice,
before different cameras, in random order and in the company of others. Identities are scored over
all cameras at once, so that an identity that differs between cameras is an error.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from latent_rag_ros.evaluation.ranking import Labels

FRAME_NS, PAUSE_NS = 100_000_000, 5_000_000_000
PERSONS_PER_SCENE = 4


@dataclass(frozen=True)
class Visit:
    """Frames of one person before one camera: `rows` of the features, in order."""

    person: int
    camera: int
    rows: NDArray[np.int64]


Identify = Callable[[str, int, Sequence[int], NDArray[np.int64]], Sequence[int]]
"""From camera, stamp, tracks and rows of the features of one frame to identities, 0 = unknown."""


def visits_of(labels: Labels, frames: int, seed: int) -> list[list[Visit]]:
    """Return scenes in their order: visits that take place together, one camera, no person twice.

    Each visit lasts `frames` frames; crops of a person in a camera repeat when there are fewer.
    """
    random, groups = np.random.default_rng(seed), {}
    for person, camera in sorted(set(zip(labels.identities.tolist(), labels.cameras.tolist()))):
        rows = np.flatnonzero((labels.identities == person) & (labels.cameras == camera))
        visit = Visit(person, camera, np.resize(random.permutation(rows), frames))
        groups.setdefault(camera, []).append(visit)
    scenes = []
    for visits in groups.values():
        order = random.permutation(len(visits))
        scenes += [[visits[row] for row in order[first:first + PERSONS_PER_SCENE]]
                   for first in range(0, len(order), PERSONS_PER_SCENE)]
    return [scenes[row] for row in random.permutation(len(scenes))]


def identified(scenes: Sequence[Sequence[Visit]], identify: Identify) -> list[list[list[int]]]:
    """Show all scenes; return the identities per scene, visit and frame."""
    answers, stamp_ns, track = [], 0, 0
    for scene in scenes:
        stamp_ns += PAUSE_NS
        tracks = list(range(track + 1, track + 1 + len(scene)))
        track += len(scene)
        frames = []
        for frame in range(len(scene[0].rows)):
            stamp_ns += FRAME_NS
            rows = np.array([visit.rows[frame] for visit in scene])
            frames.append(list(identify(f'camera {scene[0].camera}', stamp_ns, tracks, rows)))
        answers.append([list(own) for own in zip(*frames)])
    return answers


def scores(scenes: Sequence[Sequence[Visit]], answers: Sequence[Sequence[Sequence[int]]],
           ) -> dict[str, float | int]:
    """Return how well identities and people agree.

    `idf1` is that of Ristani et al. (ECCVW 2016) over all cameras, `id_switches` changes of the
    identity within a visit, `returning_rank1` the share of returning visits that end with the
    identity that most earlier visits of the person ended with, `false_accept_rate` the share of
    first visits with the identity of somebody else in any frame, `false_merges` identities that
    more than one person ended a visit with.
    """
    truth, found, seen, owners = [], [], {}, {}
    switches = first = accepted = returning = right = 0
    for scene, scene_answers in zip(scenes, answers):
        for visit, own in zip(scene, scene_answers):
            truth += [visit.person] * len(own)
            found += own
            known = [identity for identity in own if identity]
            switches += sum(one != other for one, other in zip(known, known[1:]))
            earlier = seen.setdefault(visit.person, [])
            if earlier:
                returning += 1
                right += own[-1] != 0 and own[-1] == max(set(earlier), key=earlier.count)
            else:
                first += 1
                accepted += any(owners.get(identity, {visit.person}) - {visit.person}
                                for identity in known)
            if own[-1]:
                earlier.append(own[-1])
        for visit, own in zip(scene, scene_answers):
            if own[-1]:
                owners.setdefault(own[-1], set()).add(visit.person)
    return {'idf1': _idf1(np.array(truth), np.array(found)), 'id_switches': switches,
            'returning_rank1': right / max(1, returning), 'false_accept_rate':
            accepted / max(1, first), 'false_merges': sum(len(own) > 1 for own in owners.values()),
            'visits': first + returning, 'returning_visits': returning}


def _idf1(truth: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    """Return 2 IDTP / (2 IDTP + IDFP + IDFN) under the best one-to-one assignment."""
    people, persons = np.unique(truth, return_inverse=True)
    identities, owners = np.unique(found[found > 0], return_inverse=True)
    counts = np.zeros((len(people), max(1, len(identities))), int)
    np.add.at(counts, (persons[found > 0], owners), 1)
    agreed = counts[linear_sum_assignment(counts, maximize=True)].sum()
    return float(2 * agreed / (len(truth) + np.count_nonzero(found)))
