"""Figures of one method on one set of faces: who is still known, and what is still true."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.bootstrap import confidence_interval
from latent_rag_ros.evaluation.gaze_scores import gaze_figures, readable_gaze
from latent_rag_ros.evaluation.head_pose import angle_deg, head_rotation
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS

Stacked = Mapping[str, NDArray[np.float32]]
"""What `face_meter.FaceMeter` measured, stacked over the faces of a set; NaN where not shown."""

OUTER_EYES = 36, 45
FIVE_OF_68 = ((36, 39), (42, 45), (30, 30), (48, 48), (54, 54))
"""Whose means are the landmarks of CenterFace."""

FIT_MAX = 0.5
"""The 68 landmarks of an original count when its five are, on average, nearer to those of
CenterFace than this share of their spread: a dark or blurred face gives the network nothing."""


def face_figures(original: Stacked, shown: Stacked, identities: NDArray[np.int64],
                 thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Return all figures of a method.

    Parameters
    ----------
    original, shown : Mapping
        Measured before and after; the original with `gaze_label`, see `gaze_scores`.
    identities : NDArray
        Shape (n,): who it is.
    thresholds : Mapping
        Impostor threshold by oracle.
    """
    released = np.isfinite(shown['expression']).all(1)
    figures: dict[str, Any] = {'faces': len(identities), **_mean('shown_share', released,
                                                                 identities)}
    if not released.any():
        return figures
    original = {name: values[released] for name, values in original.items()}
    shown = {name: values[released] for name, values in shown.items()}
    people = identities[released]
    cosines = {name: (original[name] * shown[name]).sum(1) for name in FORMATS}
    below = {name: cosines[name] < thresholds[name] for name in FORMATS}
    figures['oracles'] = {
        name: _mean('below_threshold', below[name], people) | {
            'mean_cosine': float(cosines[name].mean()), 'held_out': FORMATS[name].held_out}
        for name in FORMATS}
    figures['held_out'] = _held_out(original, shown, people, below)
    figures['attributes'] = _attributes(original, shown, people)
    return figures


def _held_out(original: Stacked, shown: Stacked, people: NDArray[np.int64],
              below: Mapping[str, NDArray[np.bool_]]) -> dict[str, Any]:
    """Return the figures of the oracles that were never optimised against."""
    names = [name for name in FORMATS if FORMATS[name].held_out]
    found = {name: rank1_hits(original[name], shown[name], people) for name in names}
    best = max(names, key=lambda name: found[name].mean())
    others = {name: rank1_hits(original[name], shown[name], people, own_picture=False)
              for name in names}
    counts = np.bincount(np.unique(people, return_inverse=True)[1])
    return (_mean('below_threshold', np.all([below[name] for name in names], axis=0), people)
            | _mean('rank1', found[best], people)
            | {'rank1_by': best, 'rank1_chance': float(np.square(counts / counts.sum()).sum()),
               'rank1_other_pictures': float(max(hits.mean() for hits in others.values()))})


def rank1_hits(originals: NDArray[np.float32], probes: NDArray[np.float32],
               people: NDArray[np.int64], own_picture: bool = True) -> NDArray[np.float64]:
    """Return for every probe (n, d) whether the most similar original shows the same person.

    `own_picture` False leaves out the very picture that a probe was made from, which shares light
    and background with it; people with a single picture are then never found.
    """
    cosines = probes @ originals.T
    if not own_picture:
        np.fill_diagonal(cosines, -np.inf)
    return (people[cosines.argmax(1)] == people).astype(np.float64)


def measurable(original: Stacked) -> NDArray[np.bool_]:
    """Return in which originals (n,) the landmarks lie where another network sees them as well."""
    five = np.stack([original['points'][:, list(pair)].mean(1) for pair in FIVE_OF_68], 1)
    spread = np.sqrt(np.square(original['five'] - original['five'].mean(1, keepdims=True)).sum(
        2).mean(1))
    return np.linalg.norm(five - original['five'], axis=2).mean(1) <= FIT_MAX * spread


def _attributes(original: Stacked, shown: Stacked, people: NDArray[np.int64]) -> dict[str, Any]:
    """Return what is still true, of the faces in which it can be measured."""
    chosen = measurable(original)
    if not chosen.any():
        return {'measurable_share': 0.0}
    original = {name: values[chosen] for name, values in original.items()}
    shown = {name: values[chosen] for name, values in shown.items()}
    people = people[chosen]
    pose = np.array([angle_deg(head_rotation(one), head_rotation(other))
                     for one, other in zip(original['points'], shown['points'])])
    distances = np.linalg.norm(original['points'] - shown['points'], axis=2).mean(1)
    left, right = OUTER_EYES
    eyes = np.linalg.norm(original['points'][:, left] - original['points'][:, right], axis=1)
    extent = np.sqrt(np.ptp(original['points'], axis=1).prod(1))
    same = original['expression'].argmax(1) == shown['expression'].argmax(1)
    five = np.linalg.norm(original['five'] - shown['five'], axis=2).mean(1)
    return ({'measurable_share': float(chosen.mean())} | _mean('pose_deg', pose, people)
            | {'pose_median_deg': _median(pose)}
            | _mean('landmarks_nme', distances / np.maximum(eyes, 1), people)
            | {'landmarks_nme_by_extent': float((distances / extent).mean()),
               'landmarks_nme_median': _median(distances / np.maximum(eyes, 1)),
               'five_landmarks_nme': _median(five / np.maximum(eyes, 1))}
            | gaze_figures(original, shown, people, readable_gaze(original))
            | _mean('expression_keep', same, people)
            | _mean('face_found', shown['found'][:, 0], people))


def _median(values: NDArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None


def _mean(name: str, values: NDArray, people: NDArray[np.int64]) -> dict[str, Any]:
    """Return a mean and its interval over people; None where there is nothing."""
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).any():
        return {name: None}
    low, high = confidence_interval(values, people)
    return {name: float(np.nanmean(values)), f'{name}_ci95': [low, high]}
