"""Covers people before they were first seen: frames wait until a few later ones were looked at.

A detector often needs some frames until it finds who enters. Whoever is found in one of the next n
frames is covered in the waiting ones too, from the place of the first detection back to where the
person must have come from. The price is a latency of n frames.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from latent_rag_ros.protection.stage_clock import StageClock
from latent_rag_ros.protection.types import Box, Frame, ProtectedFrame, TrackedPerson

GROWTH_PER_FRAME = 0.03
"""The box of somebody not seen yet grows by this share of its height per frame back in time."""

STEP_WITHOUT_VELOCITY = 0.08
"""And by this share more where one detection alone does not tell how fast the person moves."""


@dataclass(frozen=True)
class Perceived:
    """A frame and who was found in it.

    Parameters
    ----------
    frame : Frame
        The raw frame; it is kept in memory while it waits.
    persons : tuple of TrackedPerson
        Detected and remembered persons.
    clock : StageClock
        Seconds per stage so far.
    blanked : ProtectedFrame, optional
        The blank frame that stands for one in which nobody could be located.
    """

    frame: Frame
    persons: tuple[TrackedPerson, ...]
    clock: StageClock
    blanked: ProtectedFrame | None = None


class LookAhead:
    """Holds the last `frames` perceived frames back.

    Parameters
    ----------
    frames : int
        0 holds nothing back.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._waiting: deque[Perceived] = deque()

    def add(self, perceived: Perceived) -> list[Perceived]:
        """Take the newest frame in; return those that waited long enough, the oldest first."""
        if self._frames:
            perceived.clock.wait('look_ahead')
        self._waiting.append(perceived)
        return self._released(self._frames)

    def flush(self) -> list[Perceived]:
        """Return all that wait, each with the future that is known by now."""
        return self._released(0)

    def clear(self) -> None:
        """Forget the waiting frames; they are never shown."""
        self._waiting.clear()

    def _released(self, kept: int) -> list[Perceived]:
        released = []
        while len(self._waiting) > kept:
            first = self._waiting.popleft()
            first.clock.resume()
            released.append(replace(first, persons=with_future(first, list(self._waiting))))
        return released


def with_future(perceived: Perceived, later: Sequence[Perceived]) -> tuple[TrackedPerson, ...]:
    """Return the persons of a frame, and those whom only later frames show.

    Parameters
    ----------
    perceived : Perceived
        The frame.
    later : sequence of Perceived
        The frames after it, in order. Those of another size say nothing about this one.

    Returns
    -------
    tuple of TrackedPerson
        Somebody who is detected later but not in this frame counts as missed: the box reaches from
        the first later detection back along the way, united with what the tracker remembers.
    """
    size = perceived.frame.image.shape
    known = {person.track_id: person for person in perceived.persons}
    sightings: dict[int, list[tuple[int, TrackedPerson]]] = {}
    for distance, frame in enumerate(later, start=1):
        for person in frame.persons if frame.frame.image.shape == size else ():
            if person.missed_frames == 0:
                sightings.setdefault(person.track_id, []).append((distance, person))
    for track_id, seen in sightings.items():
        before = known.get(track_id)
        if before is None or before.missed_frames > 0:
            box = _way_back(seen).clipped(*size[:2])
            if before is not None:
                box = box.united(before.covered)
            if box.width_px and box.height_px:
                missed = seen[0][0] if before is None else before.missed_frames
                known[track_id] = TrackedPerson(track_id, box, seen[0][1].score, missed,
                                                is_certain=seen[0][1].is_certain)
    return tuple(known.values())


def _way_back(seen: Sequence[tuple[int, TrackedPerson]]) -> Box:
    """Return where a person first detected later may be now: (frames ahead, person), in order."""
    distance, first = seen[0]
    box, margin = first.covered, GROWTH_PER_FRAME * distance
    here = box
    if len(seen) > 1:
        until, second = seen[-1]
        back = distance / (until - distance)
        here = box.moved(round(back * (_middle(first.box)[0] - _middle(second.box)[0])),
                         round(back * (_middle(first.box)[1] - _middle(second.box)[1])))
    else:
        margin += STEP_WITHOUT_VELOCITY * distance
    return box.united(here).grown(round(margin * box.height_px))


def _middle(box: Box) -> tuple[float, float]:
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2
