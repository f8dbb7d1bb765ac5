"""In which frames people are detected; in the others their tracks go on as if all were missed.

A missed track is covered by the box around where the person was and where they are expected, and
grows (`track`). Nobody new can be found in such a frame: so it is skipped only where nothing moves
outside of what is covered.

While that lasts, a second look at the same things would show the same. So a detector that looks
several times at a frame takes turns then: the first look when it is due, the others in frames in
between, which would be skipped else. No frame takes the time of all looks.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latent_rag_ros.perception.detector import PersonDetector, reset_part
from latent_rag_ros.perception.motion_guard import MotionGuard
from latent_rag_ros.protection.types import Box, Detection, ImageArray, TrackedPerson

FURTHER_EVERY = 4
"""While nothing new moves, the further looks come once in so many first ones."""


@dataclass(frozen=True)
class Turns:
    """The looks of a detector one by one: all together find whom the detector finds.

    Parameters
    ----------
    first : PersonDetector
        What is due in every n-th frame.
    further : PersonDetector
        What only sometimes finds somebody whom the first look misses.
    """

    first: PersonDetector
    further: PersonDetector


class DetectionSchedule:
    """Runs a detector in every n-th frame, and wherever the motion guard asks for it.

    Parameters
    ----------
    detector : PersonDetector
        What looks for people.
    period_frames : int
        n; 1 looks at every frame, without a guard.
    turns : Turns, optional
        The looks of the detector, while the guard does not ask; None has it do all of them.
    """

    def __init__(self, detector: PersonDetector, period_frames: int,
                 turns: Turns | None = None) -> None:
        self._detector, self._period, self._turns = detector, period_frames, turns
        self._guard = MotionGuard()
        self._quiet, self._looked = 0, True
        self._covered: tuple[Box, ...] = ()

    @property
    def is_busy(self) -> bool:
        """Whether this frame was looked at, and others are skipped."""
        return self._looked and self._period > 1

    def reset(self) -> None:
        """Look at the next frame, whatever it shows."""
        for part in (self._detector, *((self._turns.first, self._turns.further)
                                       if self._turns else ())):
            reset_part(part)
        self._guard.reset()
        self._quiet, self._covered = 0, ()

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the persons of a frame; nobody where the frame is skipped.

        Raises like `PersonDetector.detect`; the frame after a failure is not skipped.
        """
        self._looked = True
        if self._period == 1:
            return self._detector.detect(image)
        if self._guard.is_needed(image, self._covered):
            self._quiet = 0
            return self._look(self._detector, image)
        self._quiet += 1
        if self._quiet % self._period == 0:
            return self._look(self._turns.first if self._turns else self._detector, image)
        if self._turns and self._quiet % (FURTHER_EVERY * self._period) == 1 + self._period:
            return self._seen_further(image)
        self._looked = False
        return []

    def cover(self, persons: Sequence[TrackedPerson]) -> None:
        """Note who is covered in this frame: what moves there needs no detection in the next."""
        self._covered = tuple(person.covered for person in persons)

    def _look(self, detector: PersonDetector, image: ImageArray) -> list[Detection]:
        """Return whom a detector finds; the guard compares the next frames with this one."""
        self._guard.reset()  # a failure leaves it so
        found = detector.detect(image)
        self._guard.look(image)
        return found

    def _seen_further(self, image: ImageArray) -> list[Detection]:
        """Return whom the further looks find; the guard goes on with the frame it has."""
        guard, self._guard = self._guard, MotionGuard()  # a failure leaves one without a picture
        found = self._turns.further.detect(image)
        self._guard = guard
        return found
