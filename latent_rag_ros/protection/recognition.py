"""Crops and identity features of the persons of a frame, each feature measured when it is due.

A feature is published only for a frame in which it was measured. In between a track has none: the
method goes on with what it knows of the track.
"""
from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.assembly import Parts
from latent_rag_ros.protection.fitting_parts import in_fitting_parts
from latent_rag_ros.protection.method import Patch, Person
from latent_rag_ros.protection.renewal import RenewalSchedule
from latent_rag_ros.protection.types import ImageArray, Reason, Region, TrackedPerson

LOGGER = logging.getLogger(__name__)

FIRST_MEASUREMENTS = 3
"""A new track is measured in so many frames in a row: galleries learn from several features."""

THUMBNAIL_PX = 8, 4
"""Height and width of what two looks at a person are compared by."""

LOOK_CHANGE_MAX = 0.2
"""Mean difference of two thumbnails, as a share of the range, from which a person looks different:
another person took the track, or the light changed. Of one person who walks it stays below 0.19 in
19 of 20 cases from one measurement to the next, five frames later."""

Located = Sequence[tuple[TrackedPerson, Region]]


class Recognition:
    """Measures features. Not thread-safe.

    Parameters
    ----------
    parts : Parts
        Embedder, and the sizes of the crops.
    values : Mapping
        All parameters of the protector, checked.
    period_frames : int
        A track's feature is measured after so many frames at the latest; 1 in every frame.
    """

    def __init__(self, parts: Parts, values: Mapping[str, Value], period_frames: int) -> None:
        self._parts, self._values = parts, values
        self._schedule = RenewalSchedule(period_frames, FIRST_MEASUREMENTS)
        self._looks: dict[int, NDArray[np.int16]] = {}

    def reset(self) -> None:
        """Forget all tracks."""
        self._schedule.reset()
        self._looks = {}

    def begin_frame(self, alive: set[int]) -> None:
        """Go on to the next frame; tracks that are not in `alive` are forgotten."""
        self._schedule.begin_frame(alive)
        self._looks = {track: look for track, look in self._looks.items() if track in alive}

    def persons(self, image: ImageArray, located: Located) -> list[Person]:
        """Return crop and feature of every person; a feature only where it can mean something."""
        crops = [crop_of(image, region, self._parts.patch_size_px) for _, region in located]
        reasons = [self._reason_without_feature(person, region) for person, region in located]
        rows = [row for row, ((person, _), reason) in enumerate(zip(located, reasons))
                if reason == Reason.NONE and person.missed_frames == 0
                and self._is_due(person.track_id, crops[row])]
        features: dict[int, Tensor] = {}
        if rows and self._parts.embedder is not None:
            features, failure = self._features(crops if self._parts.has_one_size else [
                crop_of(image, region, self._parts.embedder_size_px) for _, region in located],
                rows)
            for row in set(rows) - set(features):
                reasons[row] = failure
        return [Person(person.track_id, crop, features.get(row), reason)
                for row, ((person, _), crop, reason) in enumerate(zip(located, crops, reasons))]

    def note(self, persons: Sequence[Person], patches: Sequence[Patch]) -> None:
        """Note which features led to a good patch: who has none is measured again at once."""
        for person, patch in zip(persons, patches):
            if patch.reason != Reason.NONE:
                self._looks.pop(person.track_id, None)
            elif person.feature is not None:
                self._schedule.renew(person.track_id)
                self._looks[person.track_id] = _look(person.crop)

    def _is_due(self, track: int, crop: Tensor) -> bool:
        if self._schedule.is_due(track) or track not in self._looks:
            return True
        change = np.abs(_look(crop) - self._looks[track]).mean() / 255
        return bool(change > LOOK_CHANGE_MAX)

    def _reason_without_feature(self, person: TrackedPerson, region: Region) -> Reason:
        if region.crop_box.height_px < self._values['identity.height_px_min']:
            return Reason.TOO_SMALL
        uncertain = person.missed_frames == 0 and person.score < self._values['identity.score_min']
        return Reason.UNCERTAIN if uncertain else Reason.NONE

    def _features(self, crops: Sequence[Tensor],
                  rows: Sequence[int]) -> tuple[dict[int, Tensor], Reason]:
        """Return features by row, and why rows are missing: no feature, or not a finite one."""
        try:
            features = in_fitting_parts(self._embedded, [crops[row] for row in rows])
        except torch.cuda.OutOfMemoryError as error:
            LOGGER.error('no memory to embed a single person, persons become solid: %s', error)
            return {}, Reason.OUT_OF_MEMORY
        except (RuntimeError, ValueError, MemoryError) as error:
            LOGGER.error('embedder failed, persons become solid: %s', error)
            return {}, Reason.EMBEDDER_FAILED
        return {row: feature for row, feature in zip(rows, features)
                if bool(feature.isfinite().all())}, Reason.EMBEDDER_FAILED

    @torch.no_grad()
    def _embedded(self, crops: Sequence[Tensor]) -> Tensor:
        batch = torch.stack(list(crops)).to(self._parts.device).float() / 255
        return self._parts.embedder.embed(batch)


def crop_of(image: ImageArray, region: Region, size_px: tuple[int, int]) -> Tensor:
    """Return the raw crop of a person, shape (3, *size_px), uint8."""
    pixels = image[region.crop_box.slices]
    shrinks = pixels.shape[0] > size_px[0]
    scaled = cv2.resize(pixels, size_px[::-1],
                        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return torch.from_numpy(np.ascontiguousarray(scaled)).permute(2, 0, 1)


def _look(crop: Tensor) -> NDArray[np.int16]:
    """Return the thumbnail (8, 4, 3) of a crop (3, h, w)."""
    pixels = crop.permute(1, 2, 0).numpy()
    return cv2.resize(pixels, THUMBNAIL_PX[::-1], interpolation=cv2.INTER_AREA).astype(np.int16)
