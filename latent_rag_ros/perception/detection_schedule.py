"""In which frames people are detected; in the others their tracks go on as if all were missed.

A missed track is covered by the box around where the person was and where they are expected, and
grows (`track`). Nobody new can be found in such a frame: so it is skipped only where nothing moves
outside of what is covered.
"""
from __future__ import annotations

from collections.abc import Sequence

from latent_rag_ros.perception.detector import PersonDetector, reset_part
from latent_rag_ros.perception.motion_guard import MotionGuard
from latent_rag_ros.protection.types import Box, Detection, ImageArray, TrackedPerson


class DetectionSchedule:
    """Runs a detector in every n-th frame, and wherever the motion guard asks for it.

    Parameters
    ----------
    detector : PersonDetector
        What looks for people.
    period_frames : int
        n; 1 looks at every frame, without a guard.
    """

    def __init__(self, detector: PersonDetector, period_frames: int) -> None:
        self._detector, self._period = detector, period_frames
        self._guard = MotionGuard()
        self._skipped, self._covered = 0, ()

    def reset(self) -> None:
        """Look at the next frame, whatever it shows."""
        reset_part(self._detector)
        self._guard.reset()
        self._skipped, self._covered = 0, ()

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the persons of a frame; nobody where the frame is skipped.

        Raises like `PersonDetector.detect`; the frame after a failure is not skipped.
        """
        if self._period == 1:
            return self._detector.detect(image)
        if self._skipped + 1 < self._period and not self._guard.is_needed(image, self._covered):
            self._skipped += 1
            return []
        self._guard.reset()
        found = self._detector.detect(image)
        self._guard.look(image)
        self._skipped = 0
        return found

    def cover(self, persons: Sequence[TrackedPerson]) -> None:
        """Note who is covered in this frame: what moves there needs no detection in the next."""
        self._covered: tuple[Box, ...] = tuple(person.covered for person in persons)
