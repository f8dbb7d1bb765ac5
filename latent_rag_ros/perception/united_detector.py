"""Everything that looks for people in a frame, united: whoever one of them finds is covered."""
from __future__ import annotations

from collections.abc import Sequence

from latent_rag_ros.engine.parallel import in_parallel
from latent_rag_ros.perception.clusters import united
from latent_rag_ros.perception.detector import PersonDetector, reset_part
from latent_rag_ros.perception.second_opinion import SecondOpinion
from latent_rag_ros.protection.types import Detection, ImageArray


class UnitedDetector:
    """The union of several detectors and of a second opinion. Not thread-safe.

    Parameters
    ----------
    detectors : sequence of PersonDetector
        All of them look at every frame.
    overlap_max : float
        Detections with a larger intersection over union are one person.
    certain_score : float
        From this score on a detection is a person of its own, even inside another one.
    second_opinion : SecondOpinion, optional
        Asked about what all of them missed.
    """

    def __init__(self, detectors: Sequence[PersonDetector], overlap_max: float,
                 certain_score: float, second_opinion: SecondOpinion | None = None) -> None:
        self._detectors, self._second_opinion = tuple(detectors), second_opinion
        self._overlap_max, self._certain_score = overlap_max, certain_score

    def reset(self) -> None:
        """Reset the detectors; see `Resettable`."""
        for detector in self._detectors:
            reset_part(detector)

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the persons that any of the detectors finds; see `PersonDetector.detect`."""
        if self._second_opinion is None:
            return self._detected(image)
        # the network of the opinion uses one thread, and asks for nothing that was detected
        found, cells = in_parallel(lambda look: look(image), [
            self._detected, self._second_opinion.person_cells])
        return found + self._second_opinion.missed_in(cells, image, found)

    def _detected(self, image: ImageArray) -> list[Detection]:
        found = [detection for detector in self._detectors for detection in detector.detect(image)]
        return united(found, self._overlap_max, self._certain_score)
