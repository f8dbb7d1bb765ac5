"""How far off a gaze is after a method: from what was read before, and from the truth."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.bootstrap import confidence_interval
from latent_rag_ros.evaluation.gaze_geometry import gaze_angles_deg, mean_direction
from latent_rag_ros.evaluation.head_pose import head_rotation, yaw_deg

YAW_DEG_MAX = 45.0
"""Heads that are turned further show one eye at most."""

EXPECTED_DEG_MAX = 10.0
"""Originals count when the reader expects to be wrong by no more: closed eyes, dark, small and
blurred pictures tell nothing."""

FITTED_FACES_MIN = 40
"""A linear guess is fitted to no fewer: it has four numbers to choose for each coordinate."""

Stacked = Mapping[str, NDArray[np.float32]]


def readable_gaze(original: Stacked) -> NDArray[np.bool_]:
    """Return in which originals (n,) a gaze can be read."""
    yaws = np.array([yaw_deg(head_rotation(points)) for points in original['points']])
    # NaN, where no reader was there or no head fits, compares as False
    return (np.abs(yaws) < YAW_DEG_MAX) & (original['gaze'][:, 3] <= EXPECTED_DEG_MAX)


def gaze_figures(original: Stacked, shown: Stacked, people: NDArray[np.int64],
                 chosen: NDArray[np.bool_]) -> dict[str, Any]:
    """Return by how many degrees gazes are changed, of the chosen faces.

    Parameters
    ----------
    original, shown : Mapping
        What `face_meter.FaceMeter` measured before and after; the original holds the truth as
        well, NaN where nobody knows it: `gaze_label` (n, 3) and `pose_label` (n, 3), in degrees.
    people : NDArray
        Shape (n,): who it is.
    chosen : NDArray
        Shape (n,), bool: see `readable_gaze`.

    Returns
    -------
    dict
        `gaze_deg`, mean angle between both readings, with `gaze_deg_ci95`; and `gaze`, with its
        median, the same against the truth (`label_deg`), what the reader is wrong by in the
        originals (`label_floor_deg`), and what the mean gaze would be wrong by (`chance_deg`,
        `label_chance_deg`), and the best linear guess from the true pose (`label_pose_deg`, of
        enough faces only).
    """
    if not chosen.any():
        return {'gaze_deg': None, 'gaze': {'measurable_share': 0.0}}
    before, after = original['gaze'][chosen, :3], shown['gaze'][chosen, :3]
    people = people[chosen]
    kept = gaze_angles_deg(before, after)
    gaze = {'measurable_share': float(chosen.mean()), 'median_deg': float(np.median(kept)),
            'chance_deg': _from_the_mean(before),
            **_against_truth(original['gaze_label'][chosen], before, after, people)}
    if 'label_deg' in gaze and len(before) >= FITTED_FACES_MIN:
        gaze['label_pose_deg'] = _from_the_pose(original['pose_label'][chosen],
                                                original['gaze_label'][chosen])
    return {'gaze_deg': float(kept.mean()),
            'gaze_deg_ci95': list(confidence_interval(kept, people)), 'gaze': gaze}


def _against_truth(truth: NDArray, before: NDArray, after: NDArray, people: NDArray[np.int64],
                   ) -> dict[str, Any]:
    """Return the figures of rendered faces; nothing where the truth is not known."""
    if not np.isfinite(truth).all():
        return {}
    error = gaze_angles_deg(truth, after)
    return {'label_deg': float(error.mean()),
            'label_deg_ci95': list(confidence_interval(error, people)),
            'label_floor_deg': float(gaze_angles_deg(truth, before).mean()),
            'label_chance_deg': _from_the_mean(truth)}


def _from_the_pose(pose_deg: NDArray, truth: NDArray) -> float:
    """Return what somebody is wrong by who knows how heads are held, and nothing of the eyes."""
    known = np.column_stack([pose_deg, np.ones(len(pose_deg))])
    guess = known @ np.linalg.lstsq(known, truth, rcond=None)[0]
    guess /= np.maximum(np.linalg.norm(guess, axis=1, keepdims=True), 1e-9)
    return float(gaze_angles_deg(truth, guess).mean())


def _from_the_mean(directions: NDArray) -> float:
    return float(gaze_angles_deg(directions, mean_direction(directions)).mean())
