"""Faces that the replacement of faces is measured on: rendered ones, or photographs of people.

A face is measured where the filter would replace it, so CenterFace has to find it in either case.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.gaze_geometry import Directions, gaze_directions
from latent_rag_ros.perception.center_face import CenterFaceDetector, Face
from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.synthesis.landmark_warp import with_landmarks

SUFFIXES = ('.jpg', '.jpeg', '.png')
FACE_PX_MIN = 40
"""Photographed faces with a narrower box are left out."""

PHOTOGRAPH_PX_MAX = 1024
RENDERED_FACE_DISTANCE_MAX = 0.5
"""A detection is the rendered face when its landmarks lie on average this near to the labels,
relative to the distance of eyes and mouth."""


@dataclass(frozen=True)
class FaceLook:
    """One face in a picture.

    Parameters
    ----------
    image : ImageArray
        The whole picture, RGB.
    found : Face
        What CenterFace says.
    person : int
        Who it is.
    pose_deg : tuple of float
        Yaw, pitch and roll where they are known, from the labels of rendered faces.
    gaze_deg : tuple of float
        Yaw and pitch of the gaze relative to the camera where they are known.
    counterparts : tuple of ImageArray
        Where they are known: the same scene with another head, and that bent until its landmarks
        lie where this one's do.
    """

    image: ImageArray
    found: Face
    person: int
    pose_deg: tuple[float, ...] = ()
    gaze_deg: tuple[float, ...] = ()
    counterparts: tuple[ImageArray, ...] = ()


@dataclass(frozen=True)
class FaceSet:
    """Faces of one kind.

    Parameters
    ----------
    name : str
        In the results.
    looks : tuple of FaceLook
        Those that CenterFace found.
    pictures : int
        How many faces there were, found or not; 0 where nobody counted.
    is_rendered : bool
        Nobody real or made to look real: its pictures may be shown and stored.
    """

    name: str
    looks: tuple[FaceLook, ...]
    pictures: int = 0
    is_rendered: bool = False
    identities: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        """Raise `EvaluationError` when there are fewer than two people."""
        identities = np.array([look.person for look in self.looks], np.int64)
        if len(np.unique(identities)) < 2:
            raise EvaluationError(f'{self.name} shows {len(np.unique(identities))} people in whom '
                                  'CenterFace finds a face; give at least two')
        object.__setattr__(self, 'identities', identities)

    @property
    def has_counterparts(self) -> bool:
        """Whether every face is known with another head in its place."""
        return all(look.counterparts for look in self.looks)

    @property
    def gazes(self) -> Directions:
        """True directions of gaze (n, 3); NaN where nobody knows them."""
        unknown = (np.nan, np.nan)
        return gaze_directions([look.gaze_deg or unknown for look in self.looks])


def thinned(faces: FaceSet, count: int | None) -> FaceSet:
    """Return at most `count` faces of a set, evenly spread over its people; None keeps all.

    Faces are taken two by two, so that most people stay with more than one.
    """
    if count is None or count >= len(faces.looks):
        return faces
    firsts = np.linspace(0, len(faces.looks) - 2, count // 2).round().astype(int)
    rows = np.unique([firsts, firsts + 1])
    return replace(faces, looks=tuple(faces.looks[row] for row in rows))


def rendered_faces(folder: Path, detector: CenterFaceDetector) -> FaceSet:
    """Return the faces that `latent-rag synthesize --faces` rendered into `folder`.

    Raises `EvaluationError` when there are none.
    """
    files = sorted(folder.glob('*.npz'))
    if not files:
        raise EvaluationError(f'no *.npz in {folder}; render faces with latent-rag synthesize '
                              '--people 60 --crops 0 --faces 6 --counterparts 4 --seed 37 and '
                              'give its faces/')
    looks, pictures = [], 0
    for path in files:
        with np.load(path) as stored:
            rows = [stored[name] for name in ('images', 'landmarks', 'identities', 'pose_deg',
                                              'gaze_deg')]
            scenes = stored['scenes'] if 'scenes' in stored else np.arange(len(rows[0]))
        for row, (image, landmarks, person, pose, gaze) in enumerate(zip(*rows)):
            pictures += 1
            face = _matching(detector.detect(image), landmarks[:5])
            if face is not None:
                looks.append(FaceLook(image, face, int(person), tuple(pose.tolist()),
                                      tuple(gaze.tolist()),
                                      _counterparts(row, scenes, rows[0], rows[1])))
    return FaceSet('rendered', tuple(looks), pictures, is_rendered=True)


def _counterparts(row: int, scenes: NDArray[np.int64], images: NDArray[np.uint8],
                  landmarks: NDArray[np.float32]) -> tuple[ImageArray, ...]:
    """Return the next head in the scene of a row, as it is and in the row's shape; or nothing."""
    same = np.flatnonzero(scenes == scenes[row])
    if len(same) < 2:
        return ()
    other = same[(np.flatnonzero(same == row)[0] + 1) % len(same)]
    return (images[other], with_landmarks(images[other], landmarks[other], landmarks[row]))


def _matching(faces: list[Face], labels: NDArray[np.float32]) -> Face | None:
    """Return the detection that shows the rendered face, or None."""
    size = np.linalg.norm(labels[:2].mean(0) - labels[3:].mean(0))
    for face in faces:
        distance = np.linalg.norm(face.landmarks - labels, axis=1).mean()
        if distance <= RENDERED_FACE_DISTANCE_MAX * max(size, 1.0):
            return face
    return None


def photographed_faces(name: str, folder: Path, detector: CenterFaceDetector, people: slice,
                       ) -> FaceSet:
    """Return the faces of photographs: one folder per person, pictures anywhere below.

    A picture may hold several faces of its person. Raises `EvaluationError` when there are fewer
    than two people.
    """
    folders = sorted(path for path in folder.iterdir() if path.is_dir())[people]
    looks = [FaceLook(image, face, number) for number, person in enumerate(folders)
             for image in _photographs(person) for face in detector.detect(image)
             if face.box.width_px >= FACE_PX_MIN]
    return FaceSet(name, tuple(looks))


def _photographs(folder: Path) -> Iterator[ImageArray]:
    for path in sorted(path for path in folder.rglob('*') if path.suffix.lower() in SUFFIXES):
        picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if picture is None:
            raise EvaluationError(f'{path} is no picture that OpenCV can read; take it away')
        scale = min(1.0, PHOTOGRAPH_PX_MAX / max(picture.shape[:2]))
        yield np.ascontiguousarray(cv2.resize(picture, None, fx=scale, fy=scale,
                                              interpolation=cv2.INTER_AREA)[..., ::-1])
