"""Real pedestrians: the labelled tracks of `vtest.avi`, which Debian's `opencv-doc` ships.

Only our labels are in this repository (`data/vtest_tracks.md`); the pixels come from the video
that the user has, and never leave memory.
"""
from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.frames import video_frames
from latent_rag_ros.evaluation.held_out import (
    DATA_DIRECTORY, HEIGHT_PX, WIDTH_PX, HeldOutPeople)
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.perception.person_mask import PersonMasker
from latent_rag_ros.protection.types import Box, ImageArray

LABELS_FILE = DATA_DIRECTORY / 'vtest_tracks.json'
DEBIAN_VIDEO = Path('/usr/share/doc/opencv-doc/examples/data/vtest.avi')


@dataclass(frozen=True)
class Track:
    """One person on one way through the picture.

    Parameters
    ----------
    number : int
        Number of the track.
    identity : str
        Who it is; several tracks may show one person.
    boxes : Mapping
        Box of the person by frame.
    """

    number: int
    identity: str
    boxes: dict[int, Box]


@dataclass(frozen=True)
class VtestPeople:
    """Crops of the labelled pedestrians; the camera of a crop is the number of its track.

    Parameters
    ----------
    people : HeldOutPeople
        Crops and labels; identities count from 1 in the order of their names.
    masks : NDArray
        Share of person in every pixel, shape (n, 128, 64), float32, 0..1.
    """

    people: HeldOutPeople
    masks: NDArray[np.float32]


def find_vtest(path: Path | None = None) -> Path | None:
    """Return the video: `path`, else Debian's copy, else None.

    Raises `EvaluationError` when `path` is given and is no file.
    """
    if path is not None and not path.is_file():
        raise EvaluationError(f'{path} is no file; give the path of vtest.avi with --vtest, or '
                              'install it with: apt install opencv-doc')
    return path or (DEBIAN_VIDEO if DEBIAN_VIDEO.is_file() else None)


def read_tracks(path: Path = LABELS_FILE) -> list[Track]:
    """Return the labelled tracks.

    Raises `EvaluationError` when the file is missing or malformed.
    """
    try:
        entries = json.loads(path.read_text(encoding='utf-8'))
        if not isinstance(entries, list):
            raise ValueError('it is no list of tracks')
        return [Track(int(entry['track']), str(entry['identity']),
                      {int(frame): Box(*map(int, box))
                       for frame, *box in entry['observations']}) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f'{path.name} is missing or damaged ({error}); install the package '
                              'again with its data') from error


def load_vtest(video: Path, tracks: Sequence[Track], masker: PersonMasker) -> VtestPeople:
    """Cut the labelled pedestrians out of the video, in the order of `tracks` and frames.

    Parameters
    ----------
    video : Path
        `vtest.avi`.
    tracks : sequence of Track
        The labels.
    masker : PersonMasker
        Finds the person's pixels, for the masked baselines.

    Raises
    ------
    EvaluationError
        The video cannot be read, is too short, or a box lies outside its frames.
    """
    wanted = {(frame, track.number): box for track in tracks for frame, box in track.boxes.items()}
    crops = {}
    for index, frame in enumerate(video_frames(video)):
        for key, box in wanted.items():
            if key[0] == index:
                crops[key] = _crop(frame.image, box, masker, video)
    names = sorted({track.identity for track in tracks})
    order = [(track, frame) for track in tracks for frame in sorted(track.boxes)]
    missing = [frame for track, frame in order if (frame, track.number) not in crops]
    if missing:
        raise EvaluationError(f'{video.name} has no frame {missing[0]}, which is labelled; '
                              'give the vtest.avi of opencv-doc')
    pairs = [crops[frame, track.number] for track, frame in order]
    labels = Labels(np.array([names.index(track.identity) + 1 for track, _ in order]),
                    np.array([track.number for track, _ in order]))
    return VtestPeople(HeldOutPeople(np.stack([image for image, _ in pairs]), labels),
                       np.stack([mask for _, mask in pairs]))


def _crop(image: ImageArray, box: Box, masker: PersonMasker,
          video: Path) -> tuple[ImageArray, NDArray[np.float32]]:
    if box.clipped(*image.shape[:2]) != box:
        raise EvaluationError(f'{video.name} has frames of {image.shape[1]}x{image.shape[0]}, '
                              f'too small for {box}; give the vtest.avi of opencv-doc')
    whole = np.zeros(image.shape[:2], np.float32)
    window, mask = masker.mask(image, box)
    whole[window.slices] = mask
    return resized(image[box.slices]), resized(whole[box.slices])


def resized(pixels: NDArray) -> NDArray:
    """Return pixels (h, w, ...) at the size of a crop, the way the filter itself resizes."""
    shrinks = pixels.shape[0] > HEIGHT_PX
    return cv2.resize(pixels, (WIDTH_PX, HEIGHT_PX),
                      interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
