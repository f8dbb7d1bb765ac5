"""One person over time: where it was seen, how it moves, and where it may be now."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ESTABLISHED_FRAMES = 3
"""From this many detections on a track is believed: its velocity, and that it is no duplicate."""

YOUNG_VELOCITY_DECAY = 0.7
"""Factor per missed frame before that: the first displacements are little more than jitter."""

VELOCITY_GAIN = 0.3
"""Share of the newest displacement in the velocity: detections jitter by a few pixels."""

FIRST_VELOCITY_GAIN = 0.6
"""The same for the second detection of a track, when nothing is known yet."""

SIZE_DECAY = 0.98
"""Factor per frame at which a larger earlier size is forgotten: occlusion shrinks the last boxes
before a person is missed."""

GROWTH_PER_FRAME = 0.02
"""A missed person's box grows by this share of its height on every side per frame."""

GROWTH_MAX = 0.2
"""Most growth on every side, as a share of the height."""


class Track:
    """A person with a constant-velocity motion model.

    Boxes are float64 arrays (4,): left, top, right, bottom in pixels, not clipped.

    Parameters
    ----------
    track_id : int
        Unique number of the person.
    box, extent : NDArray
        First detection: the best box, and all that may belong to the person.
    score : float
        Its score, 0..1.
    seen_s : float
        Its time [s].

    Attributes
    ----------
    best_score : float
        Highest score of all its detections, 0..1.
    """

    def __init__(self, track_id: int, box: NDArray[np.float64], extent: NDArray[np.float64],
                 score: float, seen_s: float) -> None:
        self.track_id = track_id
        self.score = self.best_score = score
        self.seen_s = seen_s
        self.detected_frames = 1
        self.missed_frames = 0
        self._unseen_frames = 0.0
        self._seen, self._extent = box, extent
        self._remembered: NDArray[np.float64] | None = None
        self._size = extent[2:] - extent[:2]
        self._centre = (box[:2] + box[2:]) / 2
        self._velocity = np.zeros(2)

    def predict(self, elapsed_frames: float = 1.0) -> None:
        """Move on in time, before the detections of the next frame are looked at.

        Parameters
        ----------
        elapsed_frames : float
            Time since the frame before in usual frame periods: more than 1 after dropped frames.
        """
        decay = 1.0 if self.is_established else YOUNG_VELOCITY_DECAY ** self.missed_frames
        self._centre = self._centre + decay * elapsed_frames * self._velocity
        self._unseen_frames += elapsed_frames

    def detect(self, box: NDArray[np.float64], extent: NDArray[np.float64], score: float,
               now_s: float, is_weak: bool = False) -> None:
        """Continue with the detection of this frame.

        A weak one after missed frames may show a part of the person only: what was covered of the
        missed person stays covered in this frame.
        """
        self._remembered = self.covered if is_weak and self.missed_frames else None
        centre, seen_centre = (box[:2] + box[2:]) / 2, (self._seen[:2] + self._seen[2:]) / 2
        displacement = (centre - seen_centre) / self._unseen_frames
        gain = FIRST_VELOCITY_GAIN if self.detected_frames == 1 else VELOCITY_GAIN
        self._velocity = self._velocity + gain * (displacement - self._velocity)
        self._size = np.maximum(extent[2:] - extent[:2], SIZE_DECAY * self._size)
        self._centre, self._seen, self._extent = centre, box, extent
        self.score, self.seen_s = score, now_s
        self.best_score = max(self.best_score, score)
        self.detected_frames += 1
        self.missed_frames, self._unseen_frames = 0, 0.0

    def absorb(self, extent: NDArray[np.float64]) -> None:
        """Cover in this frame what another detection of the same person shows, too."""
        self._extent = _around(self._extent, extent)

    def miss(self) -> None:
        """Note that no detection of this frame is this person."""
        self.missed_frames += 1

    @property
    def is_established(self) -> bool:
        """Whether the person was detected often enough to be believed."""
        return self.detected_frames >= ESTABLISHED_FRAMES

    @property
    def seen(self) -> NDArray[np.float64]:
        """The box that was detected last."""
        return self._seen

    @property
    def expected(self) -> NDArray[np.float64]:
        """The box to match detections with: predicted centre, last detected size."""
        half = (self._seen[2:] - self._seen[:2]) / 2
        return np.concatenate([self._centre - half, self._centre + half])

    @property
    def shown(self) -> NDArray[np.float64]:
        """The box the person is in: the detected one, or `covered` while it is missed."""
        return self.covered if self.missed_frames else self._seen

    @property
    def covered(self) -> NDArray[np.float64]:
        """The box that must be covered.

        The extent while the person is detected, see `detect`. Later the box around the last extent
        and the predicted one, which grows with every missed frame: the person has stopped, gone
        on, or is anywhere in between.
        """
        if not self.missed_frames:
            return (self._extent if self._remembered is None
                    else _around(self._extent, self._remembered))
        growth_px = self._size[1] * min(GROWTH_PER_FRAME * self.missed_frames, GROWTH_MAX)
        half = self._size / 2 + growth_px
        predicted = np.concatenate([self._centre - half, self._centre + half])
        return _around(predicted, self._extent)


def _around(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest box that holds two boxes (4,)."""
    return np.concatenate([np.minimum(first[:2], second[:2]), np.maximum(first[2:], second[2:])])
