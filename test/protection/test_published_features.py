"""What leaves the filter has passed the head; where that fails, no feature leaves at all."""
from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from latent_rag_ros.feature_privacy.protection_head import EMBEDDER_KEY, ProtectionHead
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE
from latent_rag_ros.parameters import PROTECTOR, ParameterError, checked_values
from latent_rag_ros.perception import nanodet
from latent_rag_ros.protection.assembly import HEAD_FILE, Parts, assemble
from latent_rag_ros.protection.method import Person
from latent_rag_ros.protection.published_features import PublishedFeatures
from latent_rag_ros.protection.types import Box, Reason
from latent_rag_ros.weights.registry import (
    MANIFEST_NAME, WEIGHTS_DIRECTORY, WeightsError, register, sha256_of)
from latent_rag_ros.weights.tensors import save_tensors

PERSONS = [Box(40, 30, 90, 200), Box(200, 60, 250, 239)]


@pytest.fixture
def head() -> ProtectionHead:
    """Return a head that is far from the identity."""
    torch.manual_seed(8)
    head = ProtectionHead()
    torch.nn.init.normal_(head.turns)
    return head.eval().requires_grad_(False)


def person(track: int, feature: torch.Tensor | None) -> Person:
    """Return a person with a plain feature."""
    return Person(track, torch.zeros(3, 128, 64, dtype=torch.uint8), feature, Reason.NONE)


def persons() -> list[Person]:
    """Return three persons, of whom the second was not measured."""
    torch.manual_seed(9)
    plain = torch.nn.functional.normalize(torch.randn(2, 256))
    return [person(1, plain[0]), person(2, None), person(3, plain[1])]


def test_published_features_are_those_of_the_head(head):
    plain = persons()
    published = PublishedFeatures(head).of(plain)
    assert published[1] is None
    for row in (0, 2):
        wanted = head.protect(plain[row].feature[None])[0].numpy()
        assert published[row] == pytest.approx(wanted, abs=1e-6)
        assert published[row].dtype == np.float32
        assert np.linalg.norm(published[row]) == pytest.approx(1, abs=1e-5)
        assert abs(published[row] @ plain[row].feature.numpy()) < 0.9


def test_without_a_head_plain_features_are_published():
    plain = persons()
    published = PublishedFeatures(None).of(plain)
    assert (published[0] == plain[0].feature.numpy()).all() and published[1] is None


def test_nobody_carries_a_feature_when_the_head_fails(head, caplog):
    published = PublishedFeatures(head).of([person(1, torch.ones(128) / 128 ** 0.5)])
    assert published == [None] and 'protection head failed' in caplog.text


def test_person_carries_no_feature_when_it_is_not_finite_or_has_no_length(head):
    plain = persons()
    plain[0] = person(1, torch.full((256,), torch.nan))
    published = PublishedFeatures(head).of(plain)
    assert published[0] is None and published[2] is not None
    head.turns.zero_()
    head.shifts.zero_()
    assert PublishedFeatures(head).of(plain) == [None] * 3


def test_filter_publishes_protected_features_and_compares_plain_ones(make_pipeline, method,
                                                                     frame, head):
    without, behind = (make_pipeline(PERSONS, method, chosen).protect(frame)
                       for chosen in (None, head))
    assert len(without.persons) == len(behind.persons) == len(PERSONS)
    for plain, protected in zip(without.persons, behind.persons):
        wanted = head.protect(torch.from_numpy(plain.feature)[None])[0].numpy()
        assert protected.feature == pytest.approx(wanted, abs=1e-5)
        assert protected.cosine == plain.cosine
    assert (without.image == behind.image).all()


@pytest.fixture
def weights(tmp_path, head) -> Path:
    """Return a folder with detector, embedder and a head that belongs to it."""
    for name in (EMBEDDER_FILE, nanodet.WEIGHTS_NAME, MANIFEST_NAME):
        shutil.copy(WEIGHTS_DIRECTORY / name, tmp_path)
    save_head(tmp_path, head, sha256_of(tmp_path / EMBEDDER_FILE))
    return tmp_path


def save_head(folder: Path, head: ProtectionHead, embedder_sha256: str) -> None:
    """Write and register a head."""
    save_tensors(folder / HEAD_FILE, head.state_dict(), {EMBEDDER_KEY: embedder_sha256})
    register(folder / HEAD_FILE)


def parts_of(folder: Path, **given: object) -> Parts:
    """Return the parts of a filter of a folder, with solid fills."""
    return assemble(checked_values(PROTECTOR, {
        'weights.directory': str(folder), 'protection.method': 'solid', 'mask.enabled': False,
        'detector.second_opinion': 'none', 'device': 'cpu',
        **{name.replace('__', '.'): value for name, value in given.items()}}))


def test_extractor_is_chosen_by_name_and_names_its_features(weights):
    embedder, head = (sha256_of(weights / name)[:12] for name in (EMBEDDER_FILE, HEAD_FILE))
    protected = parts_of(weights, identity__extractor='protected')
    assert protected.model_id == f'embedder-{embedder}+head-{head}' and protected.head is not None
    plain = parts_of(weights, identity__extractor='plain')
    assert plain.model_id == f'embedder-{embedder}' and plain.head is None


def test_protected_extractor_is_refused_without_the_head(weights):
    (weights / HEAD_FILE).unlink()
    with pytest.raises(WeightsError, match=HEAD_FILE):
        parts_of(weights, identity__extractor='protected')
    assert parts_of(weights, identity__extractor='protected', identity__publish=False).head is None


def test_head_of_another_embedder_is_refused(weights, head):
    save_head(weights, head, 'ab' * 32)
    with pytest.raises(WeightsError, match='was trained on the embedder abababababab'):
        parts_of(weights, identity__extractor='protected')


def test_protected_extractor_is_refused_with_an_own_embedder(weights):
    own = torch.jit.trace(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(4), torch.nn.Flatten()),
                          torch.zeros(1, 3, 256, 128))
    own.save(str(weights / 'own.pt'))
    with pytest.raises(ParameterError, match='identity.extractor is protected and identity.model'):
        parts_of(weights, identity__extractor='protected',
                 identity__model=str(weights / 'own.pt'))
