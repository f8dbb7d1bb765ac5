"""Where the heads are: whose face is whose, and where a head must be that shows no face."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.center_face import Face
from latent_rag_ros.protection.types import Box, Region, TrackedPerson

Located = Sequence[tuple[TrackedPerson, Region]]

HEAD_SHARE_MAX = 0.45
"""A face whose middle lies lower in the box of an upright person than this share of its height is
the face of somebody else."""

UPRIGHT = 1.7
"""From this height by width on, a person stands: the head is at the top of the box."""

TOP_SHARE = 0.34
"""Share of an upright person's height that holds the head, twice over."""

FACE_SHARE_MIN, FACE_SHARE_MAX = 0.04, 0.35
"""Height of a face by the height of an upright person's box."""

TURN_MAX = 0.75
"""How far the nose may lie beside the middle of eyes and mouth, by the spread of all five points:
about 60 degrees. Further round the networks have seen few faces, and landmarks are bad."""


def assigned(faces: Sequence[Face], located: Located) -> tuple[dict[int, int], set[int]]:
    """Return whose face is whose: the row of a face by the row of its person, and who is unclear.

    A face may be that of a person when its middle lies in the person's region, and in an upright
    person at the top and of a fitting size; the nearest one counts. Where one face may be that of
    two people and one of them is left without any, nobody knows whose it is: both are unclear.
    """
    distances = {(person, face): _distance(found.box, tracked.covered, region)
                 for person, (tracked, region) in enumerate(located)
                 for face, found in enumerate(faces)}
    fitting = {pair: distance for pair, distance in distances.items() if distance is not None}
    result: dict[int, int] = {}
    for person, face in sorted(fitting, key=fitting.__getitem__):
        if person not in result and face not in result.values():
            result[person] = face
    unclear = {person for person, _ in fitting} - set(result)
    while robbed := {person for person, face in result.items()
                     if any((other, face) in fitting for other in unclear)}:
        unclear |= robbed
        result = {person: face for person, face in result.items() if person not in robbed}
    return result, unclear


def is_upright(box: Box) -> bool:
    """Return whether a person's box is that of somebody who stands, seen from head to knee."""
    return box.height_px >= UPRIGHT * box.width_px


def top_of(person: TrackedPerson, region: Region, height_px: int) -> Box | None:
    """Return the part of a person's region that holds the head without a doubt, or None.

    Only the box of somebody who was detected in this frame, stands, and is not cut off at the
    bottom of the image tells where the head is.
    """
    box, bounds = person.covered, region.bounds
    if person.missed_frames or not is_upright(box) or bounds.bottom >= height_px:
        return None
    bottom = max(bounds.top, box.top) + round(TOP_SHARE * box.height_px)
    return Box(bounds.left, bounds.top, bounds.right, min(bottom, bounds.bottom))


def is_turned(landmarks: NDArray[np.float32]) -> bool:
    """Return whether landmarks (5, 2) are those of a head that is turned far away."""
    points = np.asarray(landmarks, np.float64)
    down = points[3:].mean(0) - points[:2].mean(0)
    length = np.linalg.norm(down)
    spread = np.sqrt(np.square(points - points.mean(0)).sum(1).mean())
    if not length > 0 or not np.isfinite(length):
        return True
    nose_out = (points[2] - points[[0, 1, 3, 4]].mean(0)) @ np.array([down[1], -down[0]]) / length
    return bool(abs(nose_out) > TURN_MAX * spread)


def overlaps(one: Box, other: Box, landmarks: NDArray[np.float32]) -> bool:
    """Return whether a head's square lies on the face that `landmarks` of `other` span."""
    left, top = landmarks.min(0)
    right, bottom = landmarks.max(0)
    face = Box(int(left), int(top), int(right) + 1, int(bottom) + 1).clipped_to(one)
    return one != other and bool(face.width_px and face.height_px)


def _distance(face: Box, box: Box, region: Region) -> float | None:
    """Return how far a face is from where the head should be; None where it cannot be the head.

    In shares of the person's height, from the middle of the box's upper side.
    """
    x, y = (face.left + face.right) / 2, (face.top + face.bottom) / 2
    bounds = region.bounds
    column, row = int(x) - bounds.left, int(y) - bounds.top
    if not (0 <= column < bounds.width_px and 0 <= row < bounds.height_px
            and region.mask[row, column]):
        return None
    height = max(1, box.height_px)
    if is_upright(box):
        share = face.height_px / height
        if y > box.top + HEAD_SHARE_MAX * height or not FACE_SHARE_MIN <= share <= FACE_SHARE_MAX:
            return None
    return float(np.hypot(x - (box.left + box.right) / 2, y - box.top) / height)
