"""When a track's mask, feature or patch is made anew: after so many frames, evenly spread."""
from __future__ import annotations

from collections import Counter


class RenewalSchedule:
    """Says for every track whether something is due in this frame. Deterministic.

    What was made for several people in the same frame would fall due together for ever, and one
    frame in `period_frames` would take long. So each renewal is put into that frame of the second
    half of the period in which the fewest others are due. In a frame that is busy with other work
    it waits for the next one, and is in time nevertheless.

    Parameters
    ----------
    period_frames : int
        Longest time between two renewals; 1 renews in every frame.
    dense : int
        So many first renewals of a track follow each other frame by frame.
    """

    def __init__(self, period_frames: int, dense: int = 0) -> None:
        self._period, self._dense = period_frames, dense
        self.reset()

    def reset(self) -> None:
        """Forget all tracks, and the number of the frame."""
        self._frame, self._is_busy, self._waits = 0, False, False
        self._due: dict[int, int] = {}
        self._may_wait: set[int] = set()
        self._renewals: Counter[int] = Counter()

    def begin_frame(self, alive: set[int], is_busy: bool = False) -> None:
        """Go on to the next frame; tracks that are not in `alive` are forgotten.

        Parameters
        ----------
        alive : set of int
            The tracks of this frame.
        is_busy : bool
            Whether this frame costs much anyhow and the next one probably less.
        """
        self._frame += 1
        self._is_busy, self._waits = is_busy, self._waits or is_busy
        self._due = {track: frame for track, frame in self._due.items() if track in alive}
        self._renewals = Counter({track: self._renewals[track] for track in self._due})

    def is_due(self, track: int) -> bool:
        """Return whether a track needs a renewal now; one that never had one does."""
        due = self._due.get(track)
        if due is None:
            return True
        return due + (self._is_busy and track in self._may_wait) <= self._frame

    def renew(self, track: int) -> None:
        """Note that the track's renewal was done in this frame."""
        self._renewals[track] += 1
        self._may_wait.discard(track)
        if self._renewals[track] <= self._dense or self._period == 1:
            self._due[track] = self._frame + 1
            return
        load = Counter(frame for other, frame in self._due.items() if other != track)
        last = self._frame + self._period
        if self._waits and self._period > 2:
            last -= 1  # a busy frame takes the one that is left
            self._may_wait.add(track)
        # the latest of the least busy ones
        self._due[track] = min(range(last - self._period // 2, last + 1),
                               key=lambda frame: (load[frame], -frame))
