"""Oracles: the hinge stops exactly, the held-out ones stay out, thresholds are what they say."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from latent_rag_ros.identity_decoupling.enforcement import PrivacyHinge, enforce, quantised
from latent_rag_ros.identity_decoupling.oracles.alignment import arcface_template
from latent_rag_ros.identity_decoupling.oracles.calibration import (
    Threshold, impostor_cosines, impostor_threshold, load_thresholds, save_thresholds, strictest)
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS
from latent_rag_ros.identity_decoupling.oracles.oracle import (
    HeldOutOracle, Oracle, load_oracle, oracle_file_name)
from latent_rag_ros.weights.registry import WeightsError, register
from latent_rag_ros.weights.tensors import save_tensors

SIDE_PX = 64


def oracle(name: str, threshold: float) -> Oracle:
    """Return an oracle of the catalogue with random weights."""
    torch.manual_seed(len(name))
    found = FORMATS[name]
    return (HeldOutOracle if found.held_out else Oracle)(name, found, found.build(), threshold)


@pytest.fixture(scope='module')
def faces() -> Tensor:
    """Return two pictures."""
    return torch.rand(2, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope='module')
def landmarks() -> Tensor:
    """Return the landmarks of both."""
    return arcface_template(SIDE_PX).expand(2, -1, -1)


@pytest.mark.parametrize('name', FORMATS)
def test_oracle_gives_features_of_length_one(name: str, faces: Tensor, landmarks: Tensor) -> None:
    features = oracle(name, 0.5).features(faces, landmarks)
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2))
    assert not torch.equal(features[0], features[1])


def test_gradient_is_exactly_zero_once_every_oracle_is_below(
        faces: Tensor, landmarks: Tensor) -> None:
    oracles = [oracle('dlib', 0.5), oracle('faceres', 0.5)]
    hinge = PrivacyHinge(oracles, faces, landmarks)
    cosines = hinge.excesses(faces.flip(0)) + 0.5
    for threshold, is_zero in ((float(cosines.max()) + 1e-4, True),
                               (float(cosines.min()) - 1e-3, False)):
        for one in oracles:
            one.threshold = min(threshold, 1.0)
        changed = faces.flip(0).clone().requires_grad_(True)
        loss = hinge.loss(changed)
        loss.sum().backward()
        assert bool((loss == 0).all()) is is_zero
        assert bool((changed.grad == 0).all()) is is_zero


def test_held_out_oracle_cannot_be_optimised_against(faces: Tensor, landmarks: Tensor) -> None:
    judge = oracle('mobileface', 0.5)
    assert not judge.features(faces.clone().requires_grad_(True), landmarks).requires_grad
    with pytest.raises(ValueError, match='mobileface is held out'):
        PrivacyHinge([oracle('dlib', 0.5), judge], faces, landmarks)


def test_held_out_oracle_is_loaded_as_one(tmp_path: Path) -> None:
    held_out = [name for name, found in FORMATS.items() if found.held_out]
    assert held_out == ['mobileface', 'faceres_deep']
    path = tmp_path / oracle_file_name('mobileface')
    save_tensors(path, FORMATS['mobileface'].build().state_dict(), {})
    register(path)
    assert isinstance(load_oracle('mobileface', tmp_path, {'mobileface': 0.4}), HeldOutOracle)
    with pytest.raises(WeightsError, match='no threshold'):
        load_oracle('mobileface', tmp_path, {})
    with pytest.raises(WeightsError, match='unknown'):
        load_oracle('arcface', tmp_path, {'arcface': 0.4})


class ColourOracle(Oracle):
    """An oracle whose feature is the mean colour, so that enforcement has an easy task."""

    def __init__(self) -> None:
        super().__init__('colour', FORMATS['dlib'], torch.nn.Identity(), 0.9)

    def features(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Return the direction of the mean colour (n, 3)."""
        return torch.nn.functional.normalize(images.mean((2, 3)), dim=1)


def test_enforcement_changes_only_faces_that_are_still_known(landmarks: Tensor) -> None:
    originals = torch.zeros(2, 3, 8, 8)
    originals[:, 0] = 0.8
    latents = torch.full((2, 3, 8, 8), -4.0)
    latents[0, 0], latents[1, 1] = 3.0, 3.0                     # one is red as before, one green
    result = enforce(latents, torch.sigmoid, PrivacyHinge([ColourOracle()], originals, landmarks,
                                                          0.02), steps_max=40, step_size=0.2)
    assert bool(result.private.all())
    assert int(result.steps[0]) > 0 and int(result.steps[1]) == 0
    hinge = PrivacyHinge([ColourOracle()], originals, landmarks)
    assert bool((hinge.excesses(result.faces) < 0).all())


def test_face_that_stays_known_is_not_released(landmarks: Tensor) -> None:
    originals = torch.full((2, 3, 8, 8), 0.5)
    result = enforce(torch.zeros(2, 3, 8, 8), lambda latents: originals + 0 * latents,
                     PrivacyHinge([ColourOracle()], originals, landmarks), steps_max=3)
    assert not bool(result.private.any()) and result.steps.tolist() == [3, 3]
    broken = enforce(torch.zeros(2, 3, 8, 8), lambda latents: latents / 0 * 0,
                     PrivacyHinge([ColourOracle()], originals, landmarks), steps_max=1)
    assert not bool(broken.private.any())


def test_private_faces_are_left_bit_by_bit(landmarks: Tensor) -> None:
    originals = torch.zeros(2, 3, 8, 8)
    originals[:, 0] = 0.8
    latents = torch.rand(2, 3, 8, 8)
    latents[:, 0] = -3
    result = enforce(latents, torch.sigmoid, PrivacyHinge([ColourOracle()], originals, landmarks))
    assert torch.equal(result.faces, quantised(torch.sigmoid(latents)))
    assert result.steps.tolist() == [0, 0]


def test_threshold_lets_no_more_impostors_pass_than_the_rate() -> None:
    random = np.random.default_rng(0)
    features = random.standard_normal((200, 16)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    identities = np.arange(200) // 4
    cosines = impostor_cosines(features, identities)
    assert len(cosines) == 200 * 199 // 2 - 50 * 6
    threshold = impostor_threshold(features, identities)
    assert threshold.pairs == len(cosines) and threshold.people == 50
    passed = int((cosines >= threshold.cosine).sum())
    assert passed == int(len(cosines) * 1e-3)


def test_threshold_is_refused_when_pairs_are_too_few() -> None:
    with pytest.raises(ValueError, match='cannot show a false match rate'):
        impostor_threshold(np.eye(10, dtype=np.float32), np.arange(10))


def test_strictest_set_counts(tmp_path: Path) -> None:
    lowest = strictest([Threshold(0.6, 2000, 40), Threshold(0.4, 3000, 5)])
    save_thresholds(tmp_path / 'thresholds.json', {'dlib': lowest})
    assert load_thresholds(tmp_path / 'thresholds.json') == {'dlib': 0.4}
    (tmp_path / 'thresholds.json').write_text('[]', encoding='utf-8')
    with pytest.raises(WeightsError, match='holds no thresholds'):
        load_thresholds(tmp_path / 'thresholds.json')
