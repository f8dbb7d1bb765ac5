"""Labelled pictures become what a reidentifier is told, by labels and by the whole filter."""
from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import cv2
import numpy as np
import pytest

from latent_rag_ros.evaluation.frames import shipped_clip
from latent_rag_ros.evaluation.gallery_figures import compared
from latent_rag_ros.evaluation.gallery_identification import defaults
from latent_rag_ros.evaluation.gallery_scenes import filtered_scene, labelled_scene
from latent_rag_ros.evaluation.gallery_stream import LabelledPicture, Truth
from latent_rag_ros.gallery.calibration import load_calibrations
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.protection.types import Box
from latent_rag_ros.weights.registry import weights_file

FRAMES = 60


def clip_pictures() -> Iterator[LabelledPicture]:
    """Yield some labelled frames of the shipped clip; every number of its masks is a person."""
    labelled = (frame for frame in islice(shipped_clip(), FRAMES) if frame.labels is not None)
    for number, frame in enumerate(labelled):
        truths = []
        for person in np.unique(frame.labels[frame.labels > 0]).tolist():
            left, top, width, height = cv2.boundingRect((frame.labels == person).astype(np.uint8))
            truths.append(Truth(person, person, Box(left, top, left + width, top + height),
                                height >= 60 and width >= 20))
        yield LabelledPicture('clip', number / 5, frame.image, tuple(truths))


@pytest.fixture(scope='module')
def pictures() -> list[LabelledPicture]:
    """Return the frames that show somebody who counts, a few of them."""
    found = [picture for picture in clip_pictures()
             if any(truth.counts for truth in picture.truths)]
    assert found
    return found[:6]


def test_labels_are_told_as_tracks_without_errors(pictures: list[LabelledPicture]) -> None:
    """One feature of norm 1 per person who counts, under the number of the visit."""
    network = load_embedder(weights_file('embedder.safetensors'))
    frames = list(labelled_scene(iter(pictures), network, defaults()))
    for picture, frame in zip(pictures, frames):
        counted = [truth for truth in picture.truths if truth.counts]
        assert frame.truths == tuple(counted) and not frame.missed
        assert frame.tracks == tuple(truth.visit for truth in counted)
        np.testing.assert_allclose(np.linalg.norm(frame.features, axis=1), 1, atol=1e-4)
    found = compared(frames, 'another model', load_calibrations(), defaults())
    assert found['visits'] >= 1 and 0 <= found['idf1'] <= 1


def test_filter_tells_what_it_publishes_and_what_it_missed(
        pictures: list[LabelledPicture]) -> None:
    """Every labelled person who counts is told or missed, never both."""
    frames = filtered_scene(iter(pictures), ['clip'], None, 'cpu', defaults())
    told = missed = 0
    for picture, frame in zip(pictures, frames):
        named = [truth for truth in frame.everybody if truth is not None and truth.counts]
        counted = [truth for truth in picture.truths if truth.counts]
        assert sorted(truth.person for truth in [*named, *frame.missed]) == sorted(
            truth.person for truth in counted)
        assert len(frame.tracks) == len(frame.features) == len(frame.is_good)
        told, missed = told + len(named), missed + len(frame.missed)
    assert told > missed
