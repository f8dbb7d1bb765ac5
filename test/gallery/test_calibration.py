"""Rates become cosines and back; confidence means what it says."""
from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.gallery.calibration import (
    Calibration, calibrate, comparisons, load_calibrations, save_calibrations)
from latent_rag_ros.gallery.features import GalleryError


@pytest.fixture(scope='module')
def calibration() -> Calibration:
    """Return the calibration of normal scores: strangers 0.2, the same person 0.7."""
    random = np.random.default_rng(0)
    return calibrate(random.normal(0.7, 0.1, 2000), random.normal(0.2, 0.1, (8000, 120)),
                     'model', 'simulated')


@pytest.mark.parametrize('identities', [1, 20, 100])
@pytest.mark.parametrize('rate', [0.1, 0.01])
def test_share_of_strangers_is_as_stated(calibration: Calibration, identities: int,
                                         rate: float) -> None:
    """Strangers against a gallery: the share that reaches the limit is the stated one."""
    random = np.random.default_rng(1)
    best = random.normal(0.2, 0.1, (20_000, identities)).max(axis=1)
    accepted = np.mean(best >= calibration.similarity_min(rate, identities))
    assert rate / 1.5 < accepted < rate * 1.5


def test_limit_rises_when_fewer_or_more_are_meant(calibration: Calibration) -> None:
    """Rarer errors and larger galleries need more similarity, beyond the measured rates too."""
    limits = [calibration.similarity_min(rate, 10) for rate in (0.3, 0.01, 1e-4, 1e-6)]
    assert limits == sorted(set(limits)) and limits[-1] < 1
    limits = [calibration.similarity_min(0.01, count) for count in (0, 10, 1000, 1_000_000)]
    assert limits == sorted(set(limits)) and limits[-1] < 1


def test_confidence_is_a_probability_when_checked(calibration: Calibration) -> None:
    """Of comparisons with a confidence of p about a share p is of one person."""
    random = np.random.default_rng(2)
    scores = np.concatenate([random.normal(0.7, 0.1, 20_000), random.normal(0.2, 0.1, 20_000)])
    same = np.arange(40_000) < 20_000
    stated = np.array([calibration.confidence(score, 1) for score in scores])
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
        among = (stated >= low) & (stated < high)
        assert abs(same[among].mean() - stated[among].mean()) < 0.08
    assert calibration.confidence(0.6, 1000) < calibration.confidence(0.6, 1)
    assert calibration.confidence(float('nan'), 1) == 0


def test_file_holds_the_same_when_read_again(calibration: Calibration, tmp_path: Path) -> None:
    """Saved and loaded; damaged and missing files are named."""
    path = tmp_path / 'calibration.json'
    save_calibrations(path, [calibration])
    assert load_calibrations(path) == (calibration,)
    earlier = {'format': 2, **asdict(calibration)}
    path.write_text(json.dumps(earlier))
    assert load_calibrations(path) == (calibration,)
    for content in ('{}', 'no json', '{"format": 1}', '[]'):
        path.write_text(content)
        with pytest.raises(GalleryError, match='calibration.json'):
            load_calibrations(path)
    with pytest.raises(GalleryError, match='latent-rag calibrate'):
        load_calibrations(tmp_path / 'missing.json')


def test_comparisons_are_those_of_a_gallery() -> None:
    """Two people, three cameras: queries are pooled per camera, never against their own camera."""
    def unit(*values: float) -> np.ndarray:
        return np.array(values, np.float32) / np.linalg.norm(values)
    features = np.stack([unit(1, 0, 0), unit(1, 1, 0), unit(1, -1, 0), unit(0, 0, 1),
                         unit(0, 1, 1), unit(0, 1, 0)])
    identities, cameras = np.array([1, 1, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 1, 2])
    genuine, strangers = comparisons(features, identities, cameras)
    np.testing.assert_allclose(genuine, [1, np.sqrt(0.5), 0], atol=1e-6)
    np.testing.assert_allclose(strangers, [[0], [0], [0]], atol=1e-6)
    with pytest.raises(GalleryError, match='two cameras'):
        comparisons(features, identities, np.zeros(6, int))


def test_small_galleries_hold_the_people_beside_the_stranger() -> None:
    """Others come by the distance of their numbers, each once and never the person."""
    features = np.eye(5, dtype=np.float32)[np.repeat(np.arange(5), 2)]
    features[1::2] = 0.1 * np.arange(5) + features[1::2]  # cosine to person k grows with k
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    _, strangers = comparisons(features, np.repeat(np.arange(5), 2), np.tile([0, 1], 5))
    whole = features[1::2] @ features[::2].T
    np.testing.assert_allclose(strangers[2], whole[2, [3, 1, 4, 0]], atol=1e-6)
    np.testing.assert_allclose(strangers[0], whole[0, [1, 4, 2, 3]], atol=1e-6)


def test_limit_is_measured_where_people_look_alike_in_groups() -> None:
    """A twin in every gallery: more identities raise the limit by far less than pairs say."""
    random = np.random.default_rng(3)
    strangers = random.normal(0.1, 0.05, (4000, 200))
    strangers[:, 0] = random.normal(0.6, 0.05, 4000)
    calibration = calibrate(random.normal(0.7, 0.1, 100), strangers, 'model', 'twins')
    limits = [calibration.similarity_min(0.01, count) for count in (1, 10, 200)]
    assert limits[0] == pytest.approx(0.6 + 2.33 * 0.05, abs=0.02)
    assert limits[2] < limits[0] + 0.01


def test_calibration_is_refused_when_there_are_too_few() -> None:
    """A tail cannot be read from a handful of comparisons."""
    with pytest.raises(GalleryError, match='too few'):
        calibrate(np.ones(3), np.zeros((20, 5)), 'model', 'few')
