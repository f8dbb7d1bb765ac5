"""A detector that finds nobody for long has to prove that it still can.

An empty room and a broken detector look the same: no detection. So after a number of empty frames
the detector is shown a picture of a rendered person; when it does not find that one either, the
frame must not pass.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from latent_rag_ros.perception.clusters import corners
from latent_rag_ros.perception.detector import DetectorError, PersonDetector, reset_part
from latent_rag_ros.perception.overlap import intersection_over_union
from latent_rag_ros.protection.types import Box, Detection, ImageArray

PICTURE_FILE = Path(__file__).resolve().parents[1] / 'data' / 'self_test_person.jpg'
PERSON = Box(91, 63, 152, 221)
"""Where the person of the picture is."""

OVERLAP_MIN = 0.5
"""A detection with this intersection over union has found the person."""


@dataclass(frozen=True)
class TestPicture:
    """A picture, RGB, and the one person in it."""

    __test__ = False  # no test class, whatever pytest thinks of the name
    image: ImageArray
    person: Box = PERSON


def shipped_picture() -> TestPicture:
    """Return the shipped picture of a rendered person.

    Raises `DetectorError` when it is missing or damaged.
    """
    bgr = cv2.imread(str(PICTURE_FILE))
    if bgr is None:
        raise DetectorError(f'{PICTURE_FILE} is missing or damaged; install the package again '
                            'with its data')
    return TestPicture(np.ascontiguousarray(bgr[:, :, ::-1]))


class SelfTestingDetector:
    """A detector that is tested after every `frames` frames in a row without a person.

    Parameters
    ----------
    detector : PersonDetector
        What looks at the frames.
    frames : int
        1 or more.
    picture : TestPicture
        What it has to find somebody in.
    """

    def __init__(self, detector: PersonDetector, frames: int, picture: TestPicture) -> None:
        self._detector, self._frames, self._picture = detector, frames, picture
        self._empty_frames = 0

    def reset(self) -> None:
        """Reset the detector and count empty frames anew; see `Resettable`."""
        reset_part(self._detector)
        self._empty_frames = 0

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the persons of an image; see `PersonDetector.detect`.

        Raises `DetectorError` too when the self-test fails; it is repeated with every frame until
        it succeeds or somebody is found.
        """
        found = self._detector.detect(image)
        self._empty_frames = 0 if found else self._empty_frames + 1
        if self._empty_frames >= self._frames:
            if not self._finds_the_person():
                raise DetectorError(f'nobody was found in {self._empty_frames} frames, and not '
                                    'in the self-test picture either; check the detector, or '
                                    'set detector.self_test_frames to 0')
            self._empty_frames = 0
        return found

    def _finds_the_person(self) -> bool:
        boxes = corners([found.box for found in self._detector.detect(self._picture.image)])
        overlap = intersection_over_union(boxes, corners([self._picture.person]))
        return bool((overlap >= OVERLAP_MIN).any())
